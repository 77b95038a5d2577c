import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { simpleParser } from 'mailparser';
import { applications, login, processesWith, project, query } from '../integration/world.ts';

/** A Spark application from its event log: its lifetime and its key. */
interface Lived {
  readonly key: string;
  readonly id: string;
  readonly from: number;
  readonly until: number;
}

export interface Mailed {
  readonly run: string;
  readonly id: string;
  readonly subject: string;
  readonly text: string;
}

/** Keys of the one step of the short pipelines. */
const ours = /-chaos-\d+$/;

/** `sluice-RUN-STEP-ATTEMPT` without its attempt. */
export const stepOf = (key: string): string => key.slice(0, key.lastIndexOf('-'));
export const runOf = (key: string): string => /^sluice-(\d{8}-\d{6}-[0-9a-f]{4})-/.exec(key)?.[1] ?? '';

/**
 * Observes only from outside: the Spark master's page, event logs, published tables, the mailbox. Never the run store.
 */
export class Witness {
  /** Steps that had two live applications in one look at the master. */
  readonly twins = new Set<string>();
  /** Looks at a published table that found it incomplete. */
  readonly halves: string[] = [];
  private readonly pipelines: readonly string[];
  private readonly rows: number;

  constructor(pipelines: readonly string[], rows: number) {
    this.pipelines = pipelines;
    this.rows = rows;
  }

  /** Lets PostgreSQL record every publication. */
  async prepare(): Promise<void> {
    await query('CREATE TABLE seen_publications (view text, key text, at timestamptz DEFAULT clock_timestamp())');
    await query(`CREATE FUNCTION see_publication() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO public.seen_publications (view, key) VALUES (TG_TABLE_SCHEMA || '.' || NEW.view, NEW.key); RETURN NEW; END $$`);
    for (const schema of this.pipelines) {
      await query(`CREATE SCHEMA ${schema}`);
      await query(
        `CREATE TABLE ${schema}.sluice_publication
         (view text NOT NULL, key text NOT NULL, fence bigint NOT NULL, published_at timestamptz NOT NULL DEFAULT now())`,
      );
      await query(
        `CREATE TRIGGER see AFTER INSERT ON ${schema}.sluice_publication FOR EACH ROW EXECUTE FUNCTION see_publication()`,
      );
    }
  }

  /** Takes one look; unavailable services are skipped until the next one. */
  async look(): Promise<void> {
    await Promise.allSettled([
      this.lookAtMaster(),
      this.lookAtProcesses(),
      ...this.pipelines.map((schema) => this.lookAtTable(schema)),
    ]);
  }

  private async lookAtMaster(): Promise<void> {
    const { endpoints } = await project();
    const page = (await (await fetch(`${endpoints.sparkMaster}/json/`, { headers: await login() })).json()) as {
      activeapps: { name: string }[];
    };
    const steps = page.activeapps.map((app) => stepOf(app.name));
    for (const [i, step] of steps.entries()) if (steps.indexOf(step) !== i) this.twins.add(step);
  }

  /** The processes of the embedded engine, by the keys in their command lines. */
  private async lookAtProcesses(): Promise<void> {
    const pids = await processesWith('embedded-worker');
    const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
    const keys = lines.flatMap((line) => /\/embedded\/(sluice-[^/\0]+)\0/.exec(line)?.[1] ?? []);
    // A second process of the same attempt leaves at once, without touching anything.
    const steps = [...new Set(keys)].map(stepOf);
    for (const [i, step] of steps.entries()) if (steps.indexOf(step) !== i) this.twins.add(step);
  }

  private async lookAtTable(schema: string): Promise<void> {
    const [there] = await query(`SELECT to_regclass('${schema}.result') IS NOT NULL AS there`);
    if (!there?.there) return;
    const [found] = await query(`SELECT count(*) AS n FROM ${schema}.result`);
    if (found?.n !== this.rows) this.halves.push(`${schema}.result had ${found?.n} rows`);
  }

  /** Every application in the event logs; a killed one lasts to the end of its log. */
  async applications(): Promise<Lived[]> {
    const folder = join((await project()).home, 'data', 'spark-events');
    const lived: Lived[] = [];
    for (const name of await readdir(folder)) {
      if (!name.startsWith('app-')) continue;
      const file = join(folder, name);
      const text = await readFile(file, 'utf8');
      const start = /^\{"Event":"SparkListenerApplicationStart".*$/m.exec(text)?.[0];
      if (start === undefined) continue;
      const startedRuns = JSON.parse(start) as { 'App Name': string; 'App ID': string; Timestamp: number };
      // On a shared stack, only applications of this test count.
      if (!ours.test(startedRuns['App Name'])) continue;
      const end = /^\{"Event":"SparkListenerApplicationEnd".*$/m.exec(text)?.[0];
      const until =
        end === undefined ? (await stat(file)).mtimeMs : (JSON.parse(end) as { Timestamp: number }).Timestamp;
      lived.push({ key: startedRuns['App Name'], id: startedRuns['App ID'], from: startedRuns.Timestamp, until });
    }
    return lived;
  }

  /** Steps that had two applications at the same time, by their event logs or as seen at the master. */
  async overlapping(): Promise<string[]> {
    const lived = await this.applications();
    const overlaps = lived.flatMap((a, i) =>
      lived.slice(i + 1).flatMap((b) => {
        const same = stepOf(a.key) === stepOf(b.key);
        return same && a.from < b.until && b.from < a.until ? [`${stepOf(a.key)} (${a.id}, ${b.id})`] : [];
      }),
    );
    return [...overlaps, ...this.twins];
  }

  async publications(): Promise<{ view: string; key: string }[]> {
    return (await query('SELECT view, key FROM seen_publications')) as { view: string; key: string }[];
  }

  async mails(): Promise<Mailed[]> {
    const folder = join((await project()).home, 'data', 'mailbox');
    const names = (await readdir(folder)).filter((name) => name.endsWith('.eml'));
    const all = await Promise.all(
      names.map(async (name) => {
        const file = await open(join(folder, name));
        const mail = await simpleParser(await file.readFile());
        await file.close();
        const text = mail.text ?? '';
        const run = /Run: (\S+)/.exec(text)?.[1] ?? '';
        return { run, id: mail.messageId ?? '', subject: mail.subject ?? '', text };
      }),
    );
    return all.filter((mail) => mail.subject.startsWith('chaos-'));
  }

  /** Applications that are still running. */
  async alive(keys: readonly string[]): Promise<string[]> {
    const found = await Promise.all(
      keys.map(async (key) => ((await applications(key)).some((app) => app.active) ? [key] : [])),
    );
    return found.flat();
  }
}
