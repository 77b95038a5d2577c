import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pause, project, read, write } from '../integration/world.ts';
import { alternating, type Comparison } from './compare.ts';
import { fill, plain, type Run, runReport } from './stack.ts';

/** Runs the report with a driver that stood ready: waits for that before, and sends the next one away afterwards. */
async function runStandby(): Promise<Run> {
  const conf = 'conf/connections.yaml';
  const before = await read(conf);
  const standbys = async (): Promise<string[]> =>
    (await readdir(join((await project()).home, 'standby')).catch(() => [])).filter((name) => name !== 'keys');
  const has = async (name: string, file: string): Promise<boolean> =>
    existsSync(join((await project()).home, 'standby', name, file));
  await write(conf, before.replace(/^spark: \{\}/m, 'spark: { standby: 1 }'));
  try {
    await runReport();
    for (;;) {
      const names = await standbys();
      const ready = await Promise.all(
        names.map(async (name) => (await has(name, 'ready')) && !(await has(name, 'job'))),
      );
      if (ready.includes(true)) break;
      await pause(200);
    }
    const done = await runReport();
    const used = done.doc.steps.flatMap(({ attempts }) => attempts.map(({ submission }) => submission));
    if (!used.some((id) => id?.startsWith('sluice-standby-'))) throw new Error('no driver stood ready');
    return done;
  } finally {
    await write(conf, before);
    for (const name of await standbys())
      if (!(await has(name, 'job'))) await writeFile(join((await project()).home, 'standby', name, 'job'), '{}');
  }
}

/** The Spark part on a driver that stood ready, against one that starts with it, and against the expert's job. */
export async function standbyComparisons(rows: number, times: number): Promise<Comparison[]> {
  await fill(rows);
  const { a, b } = await alternating(
    times,
    async () => [(await runStandby()).spark, await plain('report', 'expert')] as const,
    async () => (await runReport()).spark,
  );
  const ours = a.map(([spark]) => spark);
  const name = `customer-report, ${rows} rows: the Spark part on a driver that stood ready`;
  return [
    { name, ours, theirs: b, against: 'a driver that starts with it', atMost: 0.75 },
    { name, ours, theirs: a.map(([, expert]) => expert), against: 'the plain job of an expert', atMost: 0.45 },
  ];
}
