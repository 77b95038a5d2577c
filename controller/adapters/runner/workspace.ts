import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { PostgresAddress } from '../../config/addresses.ts';
import { type Project, sharedOf } from '../../config/project.ts';
import type { Cause } from '../../domain/events.ts';
import { kindOf, type Pipeline, type SparkJob, sqlFiles } from '../../domain/pipeline.ts';
import type { Storage, Uri } from '../../domain/ports/storage.ts';
import type { Workspace } from '../../domain/ports/workspace.ts';
import { runnerResultSchema } from '../../domain/result.ts';
import type { AttemptState } from '../../domain/step-state.ts';
import { variables } from '../../lib/env.ts';
import { rejected } from '../../lib/errors.ts';
import { below } from '../../lib/uri.ts';
import { traceparentFor } from '../../telemetry/ids.ts';
import { type Access, type Registry, stagedAt } from '../drivers.ts';
import { adoptInputs } from './adopt-inputs.ts';
import { pgpass, type RunnerJob, type RunnerSecrets, splitConf } from './job.ts';
import { withListener } from './listener.ts';
import { triggerView } from './trigger-view.ts';

/** The content of a claim that the controller took. */
const byController = 'controller';

/**
 * The folder of a run in the shared storage. The run's name comes from the store and becomes part of URIs, so it is
 * checked.
 */
export function runFolder(shared: Uri, run: string): Uri {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(run)) throw rejected(`${JSON.stringify(run)} is no run's name`);
  return below(shared, 'runs', run);
}

/** The SQL of a Spark job of a pipeline: its files in order, after the view `trigger` if they use it. */
export async function sqlOf(job: SparkJob, root: string, pipeline: Pipeline, cause?: Cause): Promise<string> {
  const texts = await Promise.all(sqlFiles(job).map((file) => readFile(resolve(root, file), 'utf8')));
  const sql = texts.join(';\n');
  return triggerView(sql, pipeline, cause) + sql;
}

export const inputsOf = (folder: Uri): Uri => below(folder, 'inputs');

/** The pgpass file that conf/ names for the databases of a step, if any. A JVM can use only one. */
function passfileOf(step: string, databases: readonly PostgresAddress[]): string | undefined {
  const withLogin = databases.filter(({ password, passfile }) => password !== undefined || passfile !== undefined);
  const [passfile, ...others] = new Set(withLogin.map((database) => database.passfile));
  if (others.length > 0)
    throw rejected(
      `step ${step} needs databases whose passwords are in different files, and Spark reads one`,
      'name one passfile with all of them in conf/connections.yaml, or none',
    );
  return passfile;
}

interface Options {
  readonly project: Project;
  readonly run: string;
  /** A storage that driver and executors can reach, too. */
  readonly storage: Storage;
  readonly registry: Pick<Registry, 'sources' | 'sinks'>;
}

/** The files of attempts in the project's home. */
export function runnerWorkspace({ project, run, storage, registry: { sources, sinks } }: Options): Workspace {
  const shared = sharedOf(project);
  const folderOf = (step: string, { number }: AttemptState): Uri => below(runFolder(shared, run), step, String(number));

  async function removeBut(folder: string, except: readonly string[]): Promise<void> {
    const files = (await storage.list(folder)).map(({ uri }) => uri);
    const unwanted = files.filter((file) => !except.includes(file));
    if (unwanted.length === files.length) return storage.remove(folder);
    for (const file of unwanted) await storage.remove(file);
  }

  return {
    async prepare(pipeline, name, attempt, pins, cause) {
      const step = pipeline.steps[name];
      const { settings } = attempt;
      if (!step?.spark || !settings) throw new TypeError(`${name} is no Spark step`);
      const { spark } = step;
      const { partitions } = settings;
      const { open, secret } = splitConf(settings.conf, variables);
      const folder = folderOf(name, attempt);
      const databases: PostgresAddress[] = [];
      const logins: Record<string, string> = {};
      const needs = (input: string, { databases: more = [], jaas }: Access): void => {
        databases.push(...more);
        if (jaas !== undefined) logins[input] = jaas;
      };
      const inputs = Object.entries(pipeline.sources).flatMap(([input, source]) => {
        const pin = pins[input];
        if (!pin || !(spark.inputs ?? [input]).includes(input)) return [];
        if (pin.kept) return [{ name: input, kind: 'kept', ...pin.kept }];
        const read = kindOf(sources, source).input?.({ name: input, source, pin, partitions }, project);
        if (!read) throw new TypeError(`source ${input} was pinned as ${pin.kind}, and not kept`);
        needs(input, read);
        return [read.input];
      });
      const outputs = step.outputs.flatMap((output) => {
        const staged = stagedAt(sinks, output, { root: project.root, key: attempt.key });
        const written = kindOf(sinks, output).writes(output, staged, project);
        needs('', written);
        return staged.views.map(({ view, place }) => ({ view, kind: staged.kind, place, ...written.fields }));
      });
      const job: RunnerJob = {
        key: attempt.key,
        result: below(folder, 'result.json'),
        claim: below(folder, 'claimed'),
        revoked: below(folder, 'revoked'),
        secrets: below(folder, 'secrets.json'),
        quarantine: below(folder, 'quarantine'),
        sql: await sqlOf(spark, project.root, pipeline, cause),
        partitions,
        inputs,
        outputs,
      };
      const secrets: RunnerSecrets = { conf: secret, jaas: logins };
      await storage.write(below(folder, 'job.json'), JSON.stringify(job, null, 2));
      await storage.write(below(folder, 'pgpass'), pgpass(databases), { secret: true });
      await storage.write(job.secrets, JSON.stringify(secrets), { secret: true });
      const traceparent = traceparentFor(run, cause, name, attempt.number);
      const place = { pipeline: pipeline.name, run, step: name };
      const passfile = passfileOf(name, databases) ?? below(folder, 'pgpass');
      return {
        spec: below(folder, 'job.json'),
        settings: { ...settings, conf: settings.engine === 'embedded' ? open : withListener(open, project, place) },
        properties: { 'user.timezone': 'UTC' },
        secretFiles: [{ property: 'org.postgresql.pgpassfile', path: passfile }],
        labels: {
          ...{ pipeline: pipeline.name, run, step: name, attempt: String(attempt.number) },
          ...(traceparent !== undefined && { traceparent }),
        },
      };
    },

    async result(step, attempt) {
      const text = await storage.read(below(folderOf(step, attempt), 'result.json'));
      if (text === undefined) return undefined;
      const result = runnerResultSchema.parse(JSON.parse(String(text)));
      return result.key === attempt.key ? result : undefined;
    },

    watchResult: (step, attempt, left) =>
      storage.watch(folderOf(step, attempt), (name) => {
        // If the event is missed, the engine finds the end at its next poll.
        if (name === 'result.json') left();
      }),

    staged(pipeline, name, attempt) {
      const rows = new Map(attempt.result?.outputs.map((output) => [output.place, output.rows]));
      return (pipeline.steps[name]?.outputs ?? []).map((output) =>
        stagedAt(sinks, output, { root: project.root, key: attempt.key, rowsOf: (place) => rows.get(place) ?? 0 }),
      );
    },

    async revoke(step, attempt) {
      const folder = folderOf(step, attempt);
      const claim = below(folder, 'claimed');
      await storage.write(below(folder, 'revoked'), '');
      if (await storage.create(claim, byController)) return true;
      return String(await storage.read(claim)) === byController;
    },

    adoptInputs: (from, profiles) =>
      adoptInputs(storage, { from: runFolder(shared, from), to: runFolder(shared, run) }, profiles),

    async removeInputs(except, replaced) {
      // The history is data: of the files that it names, only inputs of runs are removed.
      const runs = `${below(shared, 'runs')}/`;
      const isInput = (uri: Uri): boolean =>
        uri.startsWith(runs) && /^(?!\.)[^/]+\/inputs\/[^/]+\.parquet$/.test(uri.slice(runs.length));
      for (const file of replaced) if (isInput(file) && !except.includes(file)) await storage.remove(file);
      await removeBut(inputsOf(runFolder(shared, run)), except);
    },

    remove: (except) => removeBut(runFolder(shared, run), except),

    async removeSecrets(step, attempt) {
      for (const file of ['pgpass', 'secrets.json']) await storage.remove(below(folderOf(step, attempt), file));
    },
  };
}
