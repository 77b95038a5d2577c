import { pick, type Random, randomOf } from '../../controller/demo/random.ts';
import type { ColumnType } from '../../controller/domain/pipeline.ts';
import { type Case, type RandomSource, randomCase } from './cases.ts';
import { type Columns, expression, type Kind, kinds } from './expressions.ts';

/** One of the columns of a type; the fallback when the source has none. */
function columnOf({ columns }: RandomSource, type: ColumnType, otherwise: string): string {
  return columns.find((column) => column.type === type && /^c\d/.test(column.name))?.name ?? otherwise;
}

const columns: Columns = {
  int: ['i'],
  bigint: ['b'],
  double: ['d'],
  decimal: ['m', 'n'],
  string: ['s'],
  date: ['t'],
  timestamp: ['w'],
  boolean: ['f'],
};

/** Rows of all types, with small numbers beside the extreme texts and times of the source. */
const base = (facts: RandomSource): string => `SELECT id, ref AS i, CAST(id * 7 AS bigint) AS b,
  CAST(ref AS double) / 8 AS d, CAST(id * 1.37 AS decimal(12, 2)) AS m, CAST(ref - 3.5 AS decimal(6, 3)) AS n,
  ${columnOf(facts, 'string', "concat('x', CAST(ref AS string))")} AS s,
  ${columnOf(facts, 'date', 'CAST(moment AS date)')} AS t, moment AS w, ${columnOf(facts, 'boolean', 'ref > 3')} AS f
  FROM facts`;

function projected(random: Random): string {
  const list = Array.from({ length: 4 }, (_, i) => `${expression(random, columns, pick(random, kinds), 3)} AS e${i}`);
  const where = random() < 0.5 ? ` WHERE ${expression(random, columns, 'boolean')}` : '';
  return `SELECT id, ${list.join(', ')} FROM base${where}`;
}

const sums: readonly Kind[] = ['int', 'bigint', 'decimal'];
function aggregate(random: Random): string {
  const dice = random();
  const filter = random() < 0.15 ? ` FILTER (WHERE ${expression(random, columns, 'boolean', 1)})` : '';
  if (dice < 0.15) return `count(*)${filter}`;
  if (dice < 0.3) return `count(DISTINCT ${expression(random, columns, pick(random, kinds), 1)})${filter}`;
  if (dice < 0.5) return `sum(${expression(random, columns, pick(random, sums), 1)})${filter}`;
  if (dice < 0.6) return `avg(${expression(random, columns, pick(random, ['int', 'decimal'] as const), 1)})${filter}`;
  if (dice < 0.65) return `count_if(${expression(random, columns, 'boolean', 1)})`;
  return `${pick(random, ['min', 'max'])}(${expression(random, columns, pick(random, kinds), 1)})${filter}`;
}

function grouped(random: Random): string {
  const key = expression(random, columns, pick(random, kinds), 1);
  const list = Array.from({ length: 4 }, (_, i) => `${aggregate(random)} AS a${i}`);
  const having = random() < 0.3 ? ' HAVING count(*) > 1' : '';
  return `SELECT ${key} AS k, ${list.join(', ')} FROM base GROUP BY ${random() < 0.5 ? '1' : key}${having}`;
}

function windowed(random: Random): string {
  const by = expression(random, columns, pick(random, kinds), 1);
  const order = `${expression(random, columns, pick(random, kinds), 1)}${pick(random, ['', ' DESC', ' NULLS LAST', ' DESC NULLS FIRST'])}, id`;
  const frame = pick(random, [
    '',
    ' ROWS BETWEEN 2 PRECEDING AND CURRENT ROW',
    ' ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING',
  ]);
  const over = `OVER (PARTITION BY ${by} ORDER BY ${order}`;
  return `SELECT id, row_number() ${over}) AS place, dense_rank() ${over}) AS r,
    lag(${pick(random, ['i', 's', 'm', 't'])}, ${pick(random, [1, 2])}) ${over}) AS before,
    ${pick(random, ['sum(m)', 'count(s)', 'max(w)', 'min(i)', 'avg(n)'])} ${over}${frame}) AS so_far,
    first_value(${pick(random, ['s', 'w', 'f'])}) ${over}) AS first FROM base`;
}

function joined(random: Random): string {
  const join = pick(random, ['JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN']);
  const more = random() < 0.4 ? ` AND ${expression(random, columns, 'boolean', 1)}` : '';
  return `SELECT base.id, x.id AS thing, x.note, ${expression(random, columns, pick(random, kinds), 2)} AS e
    FROM base ${join} things x ON x.id = base.i${more}`;
}

function combined(random: Random): string {
  const kind = pick(random, kinds);
  const one = expression(random, columns, kind, 1);
  const operator = pick(random, ['UNION', 'UNION ALL', 'EXCEPT', 'INTERSECT']);
  const semi = pick(random, ['LEFT SEMI JOIN', 'LEFT ANTI JOIN']);
  return `WITH near AS (SELECT base.* FROM base ${semi} things x ON x.id = base.i)
    SELECT ${one} AS e, i FROM near ${operator} SELECT ${expression(random, columns, kind, 1)}, i FROM base
      WHERE i IN (SELECT CAST(id AS int) FROM things) OR EXISTS (SELECT 1 FROM things x WHERE x.id = base.b)`;
}

/** A case for both engines: marts of many constructs over rows of all types. */
export function randomMarts(seed: number): Case {
  const { sources } = randomCase(seed);
  const random = randomOf(seed, 'marts');
  const shapes: Readonly<Record<string, (random: Random) => string>> = {
    projected,
    grouped,
    windowed,
    joined,
    combined,
  };
  // One shape a case: a construct that is refused takes no other view along.
  const names = Object.keys(shapes);
  const shape = names[seed % names.length] as string;
  const sql = `CREATE TEMP VIEW base AS ${base(sources[0] as RandomSource)};
CREATE OR REPLACE TEMPORARY VIEW ${shape} AS ${shapes[shape]?.(random)};`;
  return { seed, sources, views: [shape], sql };
}
