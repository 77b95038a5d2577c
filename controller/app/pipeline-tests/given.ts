import { type Duck, openDuck } from '../../clients/duckdb.ts';
import { identifier, literal } from '../../clients/sql.ts';
import { columnsOf, type Pipeline, type Source } from '../../domain/pipeline.ts';
import type { Profile } from '../../domain/profile.ts';
import { duckTypeOf, typeNamed } from '../../embedded/sql/types.ts';
import { reasonOf, rejected } from '../../lib/errors.ts';
import { measureRelation } from '../../snapshot/measure.ts';
import { duckdb, reasonSql, rulesOf } from '../../snapshot/rules.ts';
import { asJson, materialize, own, type SnapshotOptions, typedColumn, writeSnapshot } from '../../snapshot/snapshot.ts';
import type { Row, TestFile } from './schema.ts';

/** Writes the given rows of every source as a snapshot, measured and validated as a run would. */
export async function profilesOf(
  { sources }: Pipeline,
  given: Readonly<Record<string, readonly Row[]>>,
  schemas: TestFile['schemas'],
  { scratch, snapshots }: { readonly scratch: string; readonly snapshots: SnapshotOptions },
): Promise<Record<string, Profile>> {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(sources, name));
  if (unknown !== undefined) throw rejected(`given: the pipeline has no source ${unknown}`);
  const duck = await openDuck(scratch, []);
  try {
    const profiles: Record<string, Profile> = {};
    for (const [name, source] of Object.entries(sources)) {
      const relation = await relationOf(duck, name, source, given[name] ?? [], schemas[name]);
      const snapshot = await materialize(duck, name, relation);
      const { measures, examples } = await measureRelation(duck, relation, source.key, 0);
      const pin = { kind: 'given', kept: await writeSnapshot(snapshot, snapshots) };
      profiles[name] = { measures, examples, pin };
    }
    return profiles;
  } finally {
    await duck.close();
  }
}

/** The given rows of a source as a relation with Sluice's columns. */
async function relationOf(
  duck: Duck,
  name: string,
  source: Source,
  rows: readonly Row[],
  schema: Readonly<Record<string, string>> | undefined,
): Promise<string> {
  const declared = columnsOf(source);
  // Of a source that the test does not use, its key is enough.
  const known = schema ?? (rows.length === 0 ? { [source.key]: 'string' } : {});
  const columns = declared.length > 0 ? declared.map((column) => column.name) : Object.keys(known);
  if (columns.length === 0)
    throw rejected(
      `the columns of source ${name} are not declared in the pipeline`,
      `give them with Spark's types in the test file: schemas: { ${name}: { ${source.key}: bigint, … } }`,
    );
  for (const [i, row] of rows.entries()) {
    const strange = Object.keys(row).find((column) => !columns.includes(column));
    if (strange !== undefined)
      throw rejected(`given: row ${i + 1} of ${name} has a column ${strange}, and the source has none`);
  }
  const table = identifier(`given ${name}`);
  await duck.run(`CREATE TABLE ${table} (${columns.map((column) => `${identifier(column)} VARCHAR`).join(', ')})`);
  const line = (row: Row): string =>
    `(${columns.map((column) => (row[column] === null || row[column] === undefined ? 'NULL' : literal(String(row[column])))).join(', ')})`;
  if (rows.length > 0) await duck.run(`INSERT INTO ${table} VALUES ${rows.map(line).join(', ')}`);
  const typed =
    declared.length > 0
      ? declared.map((column) => typedColumn(column))
      : columns.map(
          (column) =>
            `CAST(${identifier(column)} AS ${duckTypeNamed(name, column, known[column] ?? '')}) AS ${identifier(column)}`,
        );
  const reason = reasonSql(rulesOf(source), duckdb, declared.length > 0);
  const fields = asJson(columns.map((column) => ({ name: column })));
  const invalid = (sql: string): string => `CASE WHEN ${own.reason} IS NOT NULL THEN ${sql} END`;
  const view = identifier(`typed ${name}`);
  await duck.run(
    `CREATE VIEW ${view} AS SELECT ${typed.join(', ')}, ${own.reason}, ${invalid(fields)} AS ${own.raw},
       ${invalid(`'row ' || ${own.pos}`)} AS ${own.where}, ${invalid(fields)} AS ${own.fields}, ${invalid(fields)} AS ${own.original},
       true AS ${own.isNew}
     FROM (SELECT *, ${reason} AS ${own.reason}, row_number() OVER () AS ${own.pos} FROM ${table})`,
  );
  await duck.rows(`SELECT * FROM ${view}`).catch((error: unknown) => {
    throw rejected(`given: a row of ${name} does not fit its types: ${reasonOf(error).split('\n', 1)[0]}`);
  });
  return view;
}

function duckTypeNamed(source: string, column: string, name: string): string {
  const type = typeNamed(name);
  if (!type) throw rejected(`schemas: ${source}.${column} is of type "${name}", which is none of Spark's`);
  return type.is === 'timestamp' ? 'TIMESTAMPTZ' : duckTypeOf(type);
}
