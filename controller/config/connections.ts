import { z } from 'zod';
import { engines, type Kind } from '../domain/pipeline.ts';
import { alertsSchema } from './alerts.ts';
import { serveSchema } from './serve.ts';

/** conf/connections.yaml: the locations of services. Missing entries mean the local stack. */
const postgres = z.strictObject({
  url: z.string().optional().describe('postgres://user@host:port/database; the stack’s server, when left out'),
  database: z.string().optional(),
  user: z.string().optional(),
  password: z.string().optional().describe('better taken from the environment than written here'),
  passfile: z.string().optional().describe('a pgpass file at this path on driver and executors'),
  sslmode: z
    .enum(['disable', 'require', 'verify-ca', 'verify-full'])
    .optional()
    .describe('as libpq has it; verify-full for another machine and disable for this one, when left out'),
  sslrootcert: z
    .string()
    .optional()
    .describe('certificates (PEM) to trust instead of the system’s; the same path on driver and executors'),
});
const kafka = z.strictObject({
  brokers: z.array(z.string().min(1)).min(1).optional().describe('host:port; the stack’s broker, when left out'),
  tls: z.boolean().default(false).describe('TLS, with the broker’s certificate and name verified'),
  ca: z
    .string()
    .optional()
    .describe('certificates (PEM) to trust instead of the system’s; the same path on driver and executors'),
  sasl: z
    .strictObject({
      mechanism: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
      user: z.string(),
      password: z.string().describe('better taken from the environment than written here'),
    })
    .optional(),
});

/** Spark's properties are in argument lists and on its pages, so a URL among them has no secret. */
function isPlainUrl(text: string): boolean {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false;
  const { username, password, search, hash } = new URL(text);
  return [username, password, search, hash].every((part) => part === '');
}

const fixed = {
  project: z
    .string()
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single hyphens, such as shop-reports')
    .optional()
    .describe('the name under which the store keeps the project’s runs; made of its folder’s name, when left out'),
  postgres: z.record(z.string(), postgres).default({}),
  kafka: z.record(z.string(), kafka).default({}),
  spark: z
    .strictObject({
      backend: z.string().default('livy').describe('where Spark applications run'),
      livy: z.string().optional(),
      livyUser: z.string().optional(),
      livyPassword: z.string().optional(),
      master: z
        .string()
        .optional()
        .describe(
          'http://host:8080, the standalone master’s page; http://user:password@host:8080 where it wants a login',
        ),
      history: z.string().optional(),
      maximumApplications: z
        .int()
        .min(1)
        .optional()
        .describe('Spark applications of all runs at the same time; no limit, when left out'),
      jar: z.string().optional().describe('the runner’s jar as the cluster sees it'),
      standby: z
        .int()
        .min(0)
        .max(8)
        .default(0)
        .describe('drivers that stand ready for the next job, and keep their executors meanwhile; none, when left out'),
      standbyIdle: z
        .string()
        .regex(/^[1-9]\d*(s|m|h)$/, 'must be a duration such as 30m or 8h')
        .default('30m')
        .describe('how long such a driver waits for a job before it leaves'),
      lineage: z
        .strictObject({
          jar: z
            .string()
            .min(1)
            .describe('the jar openlineage-spark as the cluster sees it, such as local:/opt/jars/…'),
          url: z
            .string()
            .refine(isPlainUrl, 'must be a URL such as http://host:5000, without a login or a query')
            .describe('of a receiver of OpenLineage that asks the cluster for no login'),
        })
        .optional()
        .describe('OpenLineage’s listener in each Spark application, which adds the lineage of columns'),
    })
    .refine(({ lineage, standby }) => !lineage || standby === 0, {
      message: 'has either lineage or standby: a driver that stands ready does not know its run',
      path: ['standby'],
    })
    .prefault({}),
  engine: z
    .enum(engines)
    .default('spark')
    .describe('of Spark steps that name none: spark, embedded (DuckDB on this machine), or auto'),
  mail: z
    .strictObject({
      url: z
        .string()
        .optional()
        .describe('smtp://host:port, or smtps:// for TLS from the start; the stack’s mailbox, when left out'),
      user: z.string().optional(),
      password: z.string().optional().describe('better taken from the environment than written here'),
      ca: z.string().optional().describe('certificates (PEM) to trust instead of the system’s'),
      from: z.string().default('Sluice <sluice@localhost>'),
      language: z.enum(['en', 'ru']).default('en'),
    })
    .prefault({}),
  store: postgres
    .extend({
      sqlite: z
        .string()
        .min(1)
        .optional()
        .describe('a file on this machine, relative to the project, instead of a PostgreSQL server'),
    })
    .refine(({ sqlite, ...server }) => sqlite === undefined || Object.keys(server).length === 0, {
      message: 'is either sqlite, or a PostgreSQL server',
    })
    .prefault({}),
  s3: z
    .strictObject({
      endpoint: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe('of a service other than Amazon’s'),
      region: z.string().min(1).optional().describe('of the buckets; that of the environment, when left out'),
      pathStyle: z
        .boolean()
        .optional()
        .describe('the bucket in the path instead of the host name; so for an endpoint, when left out'),
    })
    .prefault({}),
  retention: z
    .strictObject({
      runs: z
        .string()
        .regex(/^\d+(h|d)$/, 'must be a duration such as 48h or 90d')
        .optional()
        .describe('how long ended runs are kept, with their histories and files; for ever, when left out'),
      firings: z
        .string()
        .regex(/^\d+d$/, 'must be a number of days such as 400d')
        .refine((text) => Number.parseInt(text, 10) >= 90, 'must be at least 90d')
        .optional()
        .describe(
          'how long rows of the ledger of triggers are kept, but never shorter than their runs, and always the newest 1000 of each trigger; for ever, when left out',
        ),
    })
    .prefault({}),
  storage: z
    .string()
    .min(1)
    .optional()
    .describe(
      'where runs keep what driver, executors and controllers share: a folder or a URI; the home, when left out',
    ),
  allow: z
    .strictObject({
      paths: z
        .array(z.string())
        .default([])
        .describe('folders and URIs beside the project in which pipelines may read files and publish them'),
      sparkConf: z
        .array(z.string())
        .default([])
        .describe(
          'Spark properties that pipelines may set although they load code, move files or open doors; * is any text',
        ),
    })
    .prefault({}),
  serve: serveSchema.prefault({}),
  alerts: alertsSchema([]).prefault({}),
  reports: z.strictObject({ folder: z.string().default('data/reports'), url: z.string().optional() }).prefault({}),
};
const fixedSchema = z.strictObject(fixed);

/** What drivers add: connection sections, each with the schema of one connection, and kinds of notification. */
export interface Additions {
  readonly sections?: Readonly<Record<string, z.ZodType>>;
  readonly notifiers?: readonly Kind[];
}

/** The schema of conf/connections.yaml. */
export const connectionsSchema = ({ sections = {}, notifiers = [] }: Additions = {}): z.ZodType<Connections> =>
  z.strictObject({
    ...fixed,
    alerts: alertsSchema(notifiers).prefault({}),
    ...Object.fromEntries(
      Object.entries(sections).map(([name, spec]) => [name, z.record(z.string(), spec).default({})]),
    ),
  }) as never;
export type Connections = z.output<typeof fixedSchema> & { readonly [section: string]: unknown };
export type PostgresConnection = z.output<typeof postgres>;
export type KafkaConnection = z.output<typeof kafka>;
