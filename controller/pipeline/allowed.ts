/** The rights that conf/connections.yaml grants to pipelines beyond their project. */
export interface Allowed {
  /** Folders outside the project. */
  readonly paths: readonly string[];
  /** Spark properties, with `*` for any text. */
  readonly sparkConf: readonly string[];
}

/** The folder that contains all matches of a glob. */
export function baseOf(glob: string): string {
  const fixed = glob.split('/');
  const first = fixed.findIndex((part) => /[*?[\]{}()!+@\\]/.test(part));
  return (first < 0 ? fixed.slice(0, -1) : fixed.slice(0, first)).join('/') || (glob.startsWith('/') ? '/' : '.');
}

/**
 * Spark properties by which a job could load other code, run commands, move files or open ports. Also those on which
 * Sluice relies: the key as the application's name, the time zone, the redaction of logs and pages.
 */
const refused: readonly RegExp[] = [
  /^spark\.(driver|executor)\.(extraJavaOptions|defaultJavaOptions|extraClassPath|extraLibraryPath|userClassPathFirst|plugins)$/,
  /^spark\.(jars|files|archives|pyFiles|submit|repl|plugins|extraListeners|pyspark|r|executorEnv)(\.|$)/,
  /^spark\.(local\.dir|eventLog|history|worker|workerEnv|yarn|kubernetes|mesos|deploy|metrics)(\.|$)/,
  /^spark\.(authenticate|ssl|acls|admin|ui|rest|redaction|security|kerberos|network\.crypto|modify|user\.groups)(\.|$)/,
  /^spark\.(driver|executor|blockManager|driver\.blockManager)\.(bindAddress|host|port|resource|log)(\.|$)/,
  /^spark\.sql\.(extensions|catalog|catalogImplementation|warehouse|hive|queryExecutionListeners|streaming\.streamingQueryListeners|redaction)(\.|$)/,
  /^spark\.hadoop\..*(script|command|keytab|impl|mapping)/i,
  /^spark\.(sluice\..*|master|app\.(name|id)|sql\.ansi\.enabled|sql\.session\.timeZone|cores\.max)$/,
];

/** Whether a pipeline may set a Spark property. */
export const maySet = (name: string, allowed: readonly string[]): boolean =>
  !(/[\s=]/.test(name) || refused.some((pattern) => pattern.test(name))) || allowed.some((each) => matches(each, name));

const matches = (pattern: string, name: string): boolean =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((part) => part.replace(/[^A-Za-z0-9]/g, '\\$&'))
      .join('.*')}$`,
  ).test(name);

/** Properties that Spark reads only when it starts a process. */
const early =
  /^spark\.(driver|executor|memory|shuffle|storage|scheduler|task|speculation|network|rpc|broadcast|default|io|dynamicAllocation|locality|serializer|kryo|kryoserializer|cores|checkpoint|cleaner|excludeOnFailure|barrier|rdd|reducer|resources|standalone|stage|unsafe|decommission|blockManager|files|jars)(\.|$)/;

/** Whether a property can be set after the job has started, from its secrets file. */
export const isSetLate = (name: string): boolean => !early.test(name);
