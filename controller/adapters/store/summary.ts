import type { MessageFilter, PostedMessage } from '../../domain/ports/outbox.ts';
import type { PastRun } from '../../domain/ports/past-index.ts';
import type { RunSummary } from '../../domain/ports/store.ts';
import type { Vitals } from '../../domain/ports/vitals.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row has the columns that its query names
export type Row = Record<string, any>;

/** The SQL condition of runs with published results, on the table of runs. */
export const hasPublished = `state IN ('succeeded', 'degraded')`;

export const summaryColumns =
  'run, number, pipeline, state, branch, reason, started, ended, trigger, quality, rows, core_seconds';
/** A pattern of LIKE for a name in which `*` stands for any text. */
export const likeOf = (glob: string): string => glob.replace(/[\\%_]/g, '\\$&').replaceAll('*', '%');

/** The summary of a run from a row of these columns. */
export const summaryOf = (row: Row): RunSummary => ({
  run: row.run,
  number: row.number,
  pipeline: row.pipeline,
  state: row.state,
  branch: row.branch ?? undefined,
  reason: row.reason ?? undefined,
  started: row.started,
  ended: row.ended ?? undefined,
  trigger: row.trigger ?? undefined,
  quality: row.quality ?? undefined,
  rows: row.rows ?? undefined,
  coreSeconds: row.core_seconds ?? undefined,
});

/** The condition of messages on the outbox as o, in the words of its partial index. */
export const onlyIn = (only: MessageFilter['only']): string =>
  only === undefined ? '' : ` AND o.state <> 'sent'${only === 'refused' ? " AND o.state = 'refused'" : ''}`;

/** A message of the outbox from a row of its list. */
export const postedOf = ({
  number,
  run,
  pipeline,
  channel,
  event,
  recipient,
  state,
  note,
  tries,
  entered,
}: Row): PostedMessage => ({
  ...{ number: Number(number), run: run ?? undefined, pipeline: pipeline ?? undefined },
  ...{ channel, event, to: recipient, state, note: note ?? undefined, tries, entered: Number(entered) },
});

/** The measures of a run from a row with its first event's cause and refresh, which are parsed. */
export const pastRunOf = ({ run, at, cause, again, ms, measures }: Row): PastRun => ({
  ...{ run, at, isFullRefresh: again !== null, measures: measures ?? {} },
  ...(cause !== null && { cause }),
  ...(ms !== null && { ms }),
});

/** The state of a project in numbers from the rows of its parts. */
export const vitalsFrom = (rows: Row): Vitals => ({
  now: rows.now,
  applications: rows.applications,
  totals: rows.totals.map(({ labels, ...total }: Row) => ({ ...total, labels: JSON.parse(labels) })),
  open: rows.open,
  ended: rows.ended.map(({ pipeline, run, state, at }: Row) => ({ pipeline, run, state, at })),
  published: rows.published.map(({ pipeline, at, quality, rows: published }: Row) => ({
    ...{ pipeline, at, quality: quality ?? undefined, rows: published ?? undefined },
  })),
  outbox: rows.outbox,
  readings: rows.readings.map(({ pipeline, sources, checks }: Row) => ({
    pipeline,
    sources: JSON.parse(sources ?? '{}'),
    checks: JSON.parse(checks ?? '{}'),
  })),
});
