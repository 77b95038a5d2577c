import { sendAway, standingReady, withStandby } from '../integration/standbys.ts';
import { read, write } from '../integration/world.ts';
import { alternating, type Comparison } from './compare.ts';
import { fill, plain, type Run, runReport } from './stack.ts';

/** Runs the report with a driver that stood ready: waits for that before, and sends the next one away afterwards. */
async function runStandby(): Promise<Run> {
  const conf = 'conf/connections.yaml';
  const before = await read(conf);
  await write(conf, withStandby(before));
  try {
    await runReport();
    await standingReady();
    const done = await runReport();
    const used = done.doc.steps.flatMap(({ attempts }) => attempts.map(({ submission }) => submission));
    if (!used.some((id) => id?.startsWith('sluice-standby-'))) throw new Error('no driver stood ready');
    return done;
  } finally {
    await write(conf, before);
    await sendAway();
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
