import type { WatchedPipeline } from '../../../controller/app/pipelines/watched.ts';
import { builtIn } from '../../../controller/app/registry.ts';
import { pick, type Random } from '../../../controller/demo/random.ts';
import type { Trigger } from '../../../controller/domain/pipeline.ts';
import type { LoadedPipeline } from '../../../controller/pipeline/loader.ts';
import { pipelineSchema } from '../../../controller/pipeline/schema.ts';

/** The fields of a trigger as a file has them. */
export interface Fields {
  readonly schedule?: string;
  readonly zone?: string;
  readonly dst?: { readonly gap?: 'after' | 'skip'; readonly fold?: 'first' | 'both' | 'last' };
  readonly calendar?: {
    readonly file: string;
    readonly on: 'skip' | 'next-day';
    readonly content: { readonly weekend: readonly string[]; readonly holidays: readonly string[] };
  };
  readonly jitter?: string;
  readonly until?: string;
  readonly every?: string;
  readonly from?: string;
  readonly missed: 'last' | 'all' | 'none';
  readonly within: string;
}

/** What a pipeline's file has been at a time. */
export interface Version {
  readonly fields: Fields;
  readonly watched: WatchedPipeline & { readonly loaded: LoadedPipeline };
  readonly trigger: Trigger;
  /** The part that determines instants, as the cursor has it. */
  readonly definition: string;
}

export const zones = [
  'UTC',
  'America/New_York',
  'Europe/London',
  'Australia/Lord_Howe',
  'Africa/Cairo',
  'America/St_Johns',
] as const;

const schema = pipelineSchema(builtIn);

export function versionOf(name: string, number: number, fields: Fields): Version {
  const pipeline = schema.parse({
    name,
    sources: { orders: { postgres: 'shop', table: 'orders', key: 'id' } },
    branches: [{ name: 'all' }],
    steps: { work: { spark: { sql: 'x.sql' } } },
    triggers: { t: fields },
  });
  const file = `conf/pipelines/${name}.yaml`;
  const { schedule, zone, dst, calendar, from, until, jitter, every } = fields;
  const definition = every === undefined ? { schedule, zone, dst, calendar, from, until, jitter } : { every, from };
  const loaded = { file, pipeline, text: String(number) };
  return {
    fields,
    watched: { name, file, version: `v${number}`, loaded, problem: undefined },
    trigger: pipeline.triggers?.t as Trigger,
    definition: JSON.stringify(definition),
  };
}

/** A schedule or an interval, with rules and policies. */
export function randomFields(random: Random): Fields {
  const policy = {
    missed: pick(random, ['last', 'all', 'none'] as const),
    within: pick(random, ['1h', '24h', '72h']),
  };
  if (random() < 0.2) {
    const from = random() < 0.5 ? {} : { from: '2026-01-01T00:17:00+05:30' };
    return { every: pick(random, ['2h', '5h', '6h', '25h', '7h']), ...from, ...policy };
  }
  return {
    schedule: cron(random),
    zone: pick(random, zones),
    ...(random() < 0.3 && {
      dst: {
        ...(random() < 0.5 && { gap: pick(random, ['after', 'skip'] as const) }),
        ...(random() < 0.5 && { fold: pick(random, ['first', 'both', 'last'] as const) }),
      },
    }),
    ...(random() < 0.2 && { calendar: calendar(random) }),
    ...(random() < 0.2 && { jitter: pick(random, ['5m', '30m', '2h']) }),
    ...(random() < 0.05 && { until: '2026-11-20' }),
    ...policy,
  };
}

function cron(random: Random): string {
  const minute = pick(random, [0, 0, 15, 30, 47]);
  const hour = pick(random, [0, 1, 1, 2, 2, 3, 6, 23]);
  return pick(random, [
    `${minute} ${hour} * * *`,
    `${minute} ${hour} * * *`,
    `${minute} ${hour} * * mon-fri`,
    `${minute} ${hour},${hour === 23 ? 12 : hour + 1},${hour > 21 ? 4 : hour + 2} * * *`,
    `${minute} */6 * * *`,
    `${minute} */8 * * sun`,
    '*/20 1 * * sun',
    '*/30 * * * sun',
    `${minute} ${hour} L * *`,
    `${minute} ${hour} 1,15 * fri`,
    `${minute} ${hour} * * tue#2`,
    '@daily',
  ]);
}

const calendar = (random: Random): NonNullable<Fields['calendar']> => ({
  file: 'holidays.yaml',
  on: pick(random, ['skip', 'next-day'] as const),
  content: {
    weekend: ['sat', 'sun'],
    holidays: ['2026-03-09', '2026-05-01', '2026-11-02', '2026-12-25', '2027-01-01'],
  },
});

/** An edit of a file: of its instants, of what happens to late ones, or of a comment. */
export function edited(random: Random, fields: Fields): Fields {
  const chance = random();
  if (chance < 0.25) return { ...fields, missed: pick(random, ['last', 'all', 'none'] as const) };
  if (chance < 0.35 || fields.every !== undefined) return chance < 0.6 ? { ...fields } : randomFields(random);
  if (chance < 0.6) {
    const { missed, within, ...rest } = randomFields(random);
    return rest.schedule === undefined ? { ...fields, schedule: cron(random) } : { ...rest, missed, within };
  }
  if (chance < 0.8) return { ...fields, schedule: cron(random) };
  return { ...fields, zone: pick(random, zones) };
}
