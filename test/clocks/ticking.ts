import { writeFileSync } from 'node:fs';
import { sqliteStore } from '../../controller/adapters/store/sqlite/store.ts';
import { builtIn } from '../../controller/app/registry.ts';
import { Scheduler } from '../../controller/app/triggers/scheduler.ts';
import { pipelineSchema } from '../../controller/pipeline/schema.ts';

/**
 * A process whose clock libfaketime sets from a file: it looks at schedules every 20 seconds of that clock, and prints
 * the ledger.
 */
const [file = '', clock = '', zone = '', from = '', to = '', ...crons] = process.argv.slice(2);
const problems: string[] = [];
const pipeline = pipelineSchema(builtIn).parse({
  name: 'p',
  sources: { orders: { postgres: 'shop', table: 'orders', key: 'id' } },
  branches: [{ name: 'all' }],
  steps: { work: { spark: { sql: 'x.sql' } } },
  triggers: Object.fromEntries(crons.map((schedule, i) => [`t${i}`, { schedule, zone, missed: 'none' }])),
});
const show = (at: number): void => {
  writeFileSync(clock, `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')}\n`);
  if (Math.abs(Date.now() - at) > 1000) throw new Error(`the clock is ${new Date().toISOString()}`);
};

show(Date.parse(from));
const store = await sqliteStore(file, { name: 'p' });
const scheduler = new Scheduler({
  ...{ store, drivers: builtIn.triggers, context: {} as never, monotonic: () => Date.now() },
  report: {
    entered: () => undefined,
    problem: (_of, reason) => problems.push(String(reason)),
    clockStepped: (byMs) => problems.push(`stepped by ${byMs}`),
  },
});
for (let at = Date.parse(from); at <= Date.parse(to); at += 20_000) {
  show(at);
  await scheduler.tick([{ file: 'p.yaml', text: '', pipeline }]);
  await scheduler.idle();
}
const rows = (await store.firings({ pipeline: 'p', limit: 1000 })).map(({ trigger, key, due, noted, outcome }) => ({
  ...{ cron: crons[Number(trigger.slice(1))], key, due: new Date(due).toISOString() },
  // No run begins here, so a later instant may join an earlier one's.
  outcome: outcome === 'joined' ? 'started' : outcome,
  isOnTime: noted >= due && noted - due < 60_000,
}));
await store.close();
process.stdout.write(JSON.stringify({ rows, problems }));
