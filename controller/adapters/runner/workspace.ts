import { watch } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { addressesOf, type PostgresAddress } from '../../config/addresses.ts';
import type { Project } from '../../config/project.ts';
import { type Output, sqlFiles } from '../../domain/pipeline.ts';
import type { Staged } from '../../domain/ports/sink.ts';
import type { Workspace } from '../../domain/ports/workspace.ts';
import { runnerResultSchema } from '../../domain/result.ts';
import type { AttemptState } from '../../domain/state.ts';
import { variables } from '../../lib/env.ts';
import { rejected, unwritable } from '../../lib/errors.ts';
import { jaas, pgpass, type RunnerJob, type RunnerSecrets, runnerInput, runnerOutputs, splitConf } from './job.ts';

/** What the claim says when it was the controller that took it. */
const byController = 'controller';

/** A run's name comes from the store, and becomes a part of paths. */
export function runFolder(home: string, run: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(run)) throw rejected(`${JSON.stringify(run)} is no run's name`);
  return join(home, 'runs', run);
}
export const inputsOf = (home: string, run: string): string => join(runFolder(home, run), 'inputs');

/** The file of passwords that conf/ names for the databases of a step, if any: a JVM knows one alone. */
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
  /** The runner's. */
  readonly jar: string;
  /** Where an attempt stages a sink of its step; `rowsOf` is asked for the rows of each place. */
  readonly stage: (output: Output, key: string, rowsOf?: (place: string) => number) => Staged;
}

/** A workspace in the project's home, at a path that driver and executors can read. */
export function localWorkspace({ project, run, jar, stage }: Options): Workspace {
  const folderOf = (step: string, { number }: AttemptState): string =>
    join(runFolder(project.home, run), step, String(number));
  const addresses = addressesOf(project);

  return {
    async prepare(pipeline, name, attempt, pins) {
      const step = pipeline.steps[name];
      const { settings } = attempt;
      if (!step?.spark || !settings) throw new TypeError(`${name} is no Spark step`);
      const { spark } = step;
      const { partitions } = settings;
      const { open, secret } = splitConf(settings.conf, variables);
      const folder = folderOf(name, attempt);
      const databases: string[] = [];
      for (const output of step.outputs) {
        if ('postgres' in output) databases.push(output.postgres);
      }
      const logins: Record<string, string> = {};
      const inputs = Object.entries(pipeline.sources).flatMap(([input, source]) => {
        const pin = pins[input];
        if (!pin || !(spark.inputs ?? [input]).includes(input)) return [];
        if ('postgres' in source) databases.push(source.postgres);
        const login = 'kafka' in source ? jaas(addresses.kafka(source.kafka)) : undefined;
        if (login !== undefined) logins[input] = login;
        return [runnerInput(input, source, pin, partitions, addresses)];
      });
      const job: RunnerJob = {
        key: attempt.key,
        result: join(folder, 'result.json'),
        claim: join(folder, 'claimed'),
        revoked: join(folder, 'revoked'),
        secrets: join(folder, 'secrets.json'),
        quarantine: join(folder, 'quarantine'),
        sql: (await Promise.all(sqlFiles(spark).map((file) => readFile(resolve(project.root, file), 'utf8')))).join(
          ';\n',
        ),
        partitions,
        inputs,
        outputs: step.outputs.flatMap((output) => runnerOutputs(output, stage(output, attempt.key), addresses)),
      };
      try {
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, 'job.json'), JSON.stringify(job, null, 2));
        const secrets: RunnerSecrets = { conf: secret, jaas: logins };
        await writeFile(join(folder, 'pgpass'), pgpass(databases.map(addresses.postgres)), { mode: 0o600 });
        await writeFile(job.secrets, JSON.stringify(secrets), { mode: 0o600 });
      } catch (error) {
        throw unwritable(folder, error);
      }
      return {
        jar,
        mainClass: 'sluice.runner.Runner',
        args: [join(folder, 'job.json')],
        settings: { ...settings, conf: open },
        properties: {
          'user.timezone': 'UTC',
          'org.postgresql.pgpassfile': passfileOf(name, databases.map(addresses.postgres)) ?? join(folder, 'pgpass'),
        },
      };
    },

    async result(step, attempt) {
      const text = await readFile(join(folderOf(step, attempt), 'result.json'), 'utf8').catch(() => undefined);
      if (text === undefined) return undefined;
      const result = runnerResultSchema.parse(JSON.parse(text));
      return result.key === attempt.key ? result : undefined;
    },

    listen(step, attempt, left) {
      try {
        const watcher = watch(folderOf(step, attempt), { persistent: false }, (_event, file) => {
          if (file === 'result.json') left();
        }).on('error', () => undefined);
        // Without it, the end is found out a little later.
        return () => watcher.close();
      } catch {
        return () => undefined;
      }
    },

    staged(pipeline, name, attempt) {
      const rows = new Map(attempt.result?.outputs.map((output) => [output.place, output.rows]));
      return (pipeline.steps[name]?.outputs ?? []).map((output) =>
        stage(output, attempt.key, (place) => rows.get(place) ?? 0),
      );
    },

    async revoke(step, attempt) {
      const folder = folderOf(step, attempt);
      const claim = join(folder, 'claimed');
      try {
        await mkdir(folder, { recursive: true });
        await writeFile(join(folder, 'revoked'), '');
        await writeFile(claim, byController, { flag: 'wx' });
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(folder, error);
        return (await readFile(claim, 'utf8')) === byController;
      }
    },

    async forget(except, replaced) {
      // A history is data: what it names is removed only where runs keep their inputs.
      const isInput = (file: string): boolean =>
        /^(?!\.\.)[^/]+\/inputs\/[^/]+\.parquet$/.test(relative(join(project.home, 'runs'), file));
      for (const file of replaced) if (isInput(file) && !except.includes(file)) await rm(file, { force: true });
      const folder = inputsOf(project.home, run);
      const files = await readdir(folder).catch(() => []);
      const kept = files.filter((file) => except.includes(join(folder, file)));
      if (kept.length === 0) return rm(folder, { recursive: true, force: true });
      for (const file of files) if (!kept.includes(file)) await rm(join(folder, file), { force: true });
    },

    async tidy(step, attempt) {
      for (const file of ['pgpass', 'secrets.json']) await rm(join(folderOf(step, attempt), file), { force: true });
    },
  };
}
