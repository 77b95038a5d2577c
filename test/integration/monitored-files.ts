/** How many requests fail before one is answered. */
export const failing = 14;

const source = (of: string): string =>
  `sources: { one: { csv: data/${of}/*.csv, key: id, columns: { id: bigint, note: string } } }\nbranches: [{ name: all }]\n`;
const step = (sql: string, engine = 'embedded', more = ''): string =>
  `steps: { work: { engine: ${engine}, spark: { sql: ${sql} }, outputs: [{ parquet: published/${sql}, views: [result] }]${more} } }\n`;
const never = `when: 'trigger.key == "never"'`;
const notify = 'notify: [{ webhook: ops, on: [failed] }, { slack: ops, on: [failed] }]\n';

/** The files of pipelines, but for their names. */
export const pipelineTexts = (held: string, api: string): Record<string, string> => ({
  fails: source('good') + step('bad.sql', 'embedded', ', retry: { maximumAttempts: 1 }') + notify,
  lasting: source('good') + step('good.sql'),
  held,
  looked: `sources: { rows: { postgres: own, table: looked, key: id } }\nbranches: [{ name: all }]
${step('rows.sql')}triggers: { newer: { table: rows, column: id, poll: 1s, ${never} } }\n`,
  stopped: `${source('arriving')}${step('good.sql')}triggers: { arrivals: { files: one, settle: 0s, poll: 1s, pauseAfter: 2, ${never} } }\n`,
  queued: source('good') + step('good.sql'),
  retried: `${source('good')}steps: { ask: { http: { url: "${api}", method: POST }, retry: { maximumAttempts: ${failing + 1}, initialInterval: 100ms, maximumInterval: 200ms } } }\n`,
  invalid: source('invalid') + step('good.sql'),
  cluster: source('good') + step('good.sql', 'spark'),
  late: `${source('good')}${step('good.sql')}promises: [{ name: fresh, fresherThan: 1h }]\n`,
  nearly: `${source('good')}${step('good.sql')}promises: [{ name: fresh, fresherThan: 1h }]\n`,
});
/** The file whose instants come each minute. `instants`: since when there is one each minute; undefined: there is none. */
export const heldFile = (instants: number | undefined, more = ''): string =>
  source('good') +
  step('good.sql') +
  (instants === undefined
    ? ''
    : `triggers: { minutely: { every: 1m, from: "${new Date(instants).toISOString()}", ${never} } }\n`) +
  more;
