import { pick, type Random, randomOf } from '../../controller/demo/random.ts';
import { type ColumnType, columnTypes } from '../../controller/domain/pipeline.ts';
import { randomValue, type Value } from './values.ts';

interface RandomColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly required: boolean;
  /** The only allowed values. */
  readonly values: readonly string[] | undefined;
}

/** A source: its columns as a pipeline declares them, its file, and its valid rows in the oracle's SQL. */
export interface RandomSource {
  readonly name: string;
  readonly columns: readonly RandomColumn[];
  readonly csv: string;
  readonly valid: readonly string[];
  readonly invalid: number;
  /** Valid rows whose key an earlier row has. */
  readonly repeated: number;
}

/** Sources and marts, the same for the same seed. Spark and DuckDB share the SQL. */
export interface Case {
  readonly seed: number;
  readonly sources: readonly RandomSource[];
  readonly views: readonly string[];
  readonly sql: string;
}

const named = (name: string, type: ColumnType, required = false): RandomColumn => ({
  name,
  type,
  required,
  values: undefined,
});

function columnsOf(random: Random, own: readonly RandomColumn[]): RandomColumn[] {
  const more = Array.from({ length: 1 + Math.floor(random() * 5) }, (_, i): RandomColumn => {
    const type = pick(random, columnTypes);
    const values =
      type === 'string' && random() < 0.3 ? ['plain', 'кириллица', 'a,b,,c', 'two words', "it's"] : undefined;
    return { name: `c${i}`, type, required: random() < 0.2, values };
  });
  return [...own, ...more];
}

function field(random: Random, { text }: Value): string {
  const must = /[",\n]/.test(text) || text === '""';
  // An empty field may be quoted, without a difference in meaning.
  return must || random() < 0.15 ? `"${text.replaceAll('"', '""')}"` : text;
}

function source(random: Random, name: string, own: readonly RandomColumn[], rows: number): RandomSource {
  const columns = columnsOf(random, own);
  const lines = [columns.map((column) => column.name).join(',')];
  const valid: string[] = [];
  const keys = new Set<string>();
  let [invalid, repeated] = [0, 0];
  for (let i = 0; i < rows; i++) {
    const values = columns.map(({ name: column, type, required, values: known }): Value => {
      if (column === 'id') return random() < 0.03 ? { text: '', sql: 'invalid' } : { text: String(i), sql: String(i) };
      if (column === 'ref') return { text: String(i % 7), sql: String(i % 7) };
      const value = randomValue(random, type, required);
      const unknown = known && value.sql !== 'NULL' && !known.includes(value.text);
      return unknown ? { text: value.text, sql: 'invalid' } : value;
    });
    const fields = values.map((value) => field(random, value));
    const dice = random();
    const broken =
      dice < 0.02 ? fields.slice(0, -1) : dice < 0.04 ? [...fields, pick(random, ['more', '', '""'])] : undefined;
    const times = random() < 0.05 ? 2 : 1;
    for (let n = 0; n < times; n++) {
      lines.push((broken ?? fields).join(','));
      if (broken || values.some(({ sql }) => sql === 'invalid')) {
        invalid += 1;
        continue;
      }
      if (keys.has(String(i))) repeated += 1;
      keys.add(String(i));
      valid.push(`(${values.map(({ sql }) => sql).join(', ')})`);
    }
  }
  // The last line may lack its line end.
  return { name, columns, csv: lines.join('\n') + (random() < 0.8 ? '\n' : ''), valid, invalid, repeated };
}

const measuresOf = ({ name, type }: RandomColumn): string[] => [
  `count(${name}) AS ${name}_n`,
  `min(${name}) AS ${name}_min`,
  `max(${name}) AS ${name}_max`,
  ...(type === 'int' || type === 'bigint' ? [`sum(CAST(${name} AS decimal(38, 0))) AS ${name}_sum`] : []),
];

/** A case: facts that reference things, of any types, and marts that group, fold, join and count them. */
export function randomCase(seed: number): Case {
  const random = randomOf(seed, 'differential');
  const own = [named('id', 'bigint', true), named('ref', 'int'), named('seq', 'int'), named('moment', 'timestamp')];
  const facts = source(random, 'facts', own, 20 + Math.floor(random() * 200));
  const things = source(
    random,
    'things',
    [named('id', 'bigint', true), named('note', 'string')],
    3 + Math.floor(random() * 10),
  );
  const groups = facts.columns.filter(({ name, type }) => type !== 'double' && name !== 'id' && name !== 'moment');
  const by = pick(random, groups);
  const others = facts.columns.filter(({ name }) => name !== by.name);
  const distinct = pick(random, others).name;
  const text = facts.columns.find(({ type }) => type === 'string');
  const views: Record<string, string> = {
    grouped: `SELECT ${by.name}, count(*) AS n, ${others.flatMap(measuresOf).join(', ')}, count(DISTINCT ${distinct}) AS different FROM facts GROUP BY ${by.name}`,
    latest: `SELECT ${facts.columns.map(({ name }) => name).join(', ')} FROM (
        SELECT facts.*, row_number() OVER (PARTITION BY ref ORDER BY seq DESC NULLS LAST, moment DESC NULLS LAST, id DESC) AS place FROM facts
      ) ranked WHERE place = 1`,
    joined: `SELECT f.id, f.ref, t.note, t.id AS thing, CAST(date_trunc('${pick(random, ['day', 'month', 'year'])}', f.moment) AS date) AS period,
        ${text ? `length(f.${text.name}) AS letters, substring(f.${text.name}, 2, 3) AS part, coalesce(f.${text.name}, t.note, 'none') || '!' AS said,` : ''}
        CASE WHEN f.seq > 0 THEN 'above' WHEN f.seq < 0 THEN 'below' ELSE 'none' END AS side
      FROM facts f ${pick(random, ['LEFT JOIN', 'JOIN'])} things t ON t.id = f.ref`,
    counted: `SELECT j.thing, count(*) AS n, count(DISTINCT j.ref) AS refs, max(g.n) AS largest
      FROM joined j CROSS JOIN (SELECT max(n) AS n FROM grouped) g GROUP BY j.thing`,
  };
  const sql = Object.entries(views).map(([view, query]) => `CREATE OR REPLACE TEMP VIEW ${view} AS ${query};`);
  return { seed, sources: [facts, things], views: Object.keys(views), sql: sql.join('\n') };
}
