import type { Duck } from '../../clients/duckdb.ts';
import { identifier } from '../../clients/sql.ts';
import { parse } from './ast.ts';
import { statementsOf } from './lexer.ts';
import { queryOf } from './queries.ts';
import { type Column, namedColumns, type Views } from './scope.ts';
import { types, Untranslatable } from './types.ts';

/** The version of the translation. A change of what it makes of some SQL is a new one, and takes proofs away. */
export const semantics = 1;

/** A view of a pipeline's SQL as DuckDB computes it. */
export interface TranslatedView {
  readonly name: string;
  readonly columns: readonly Column[];
  /** The statement that creates it. */
  readonly sql: string;
}

/** The views that a job's SQL can read: its inputs, and their quarantined rows. */
export const inputViews = (inputs: readonly { readonly name: string; readonly columns: readonly Column[] }[]): Views =>
  new Map(
    inputs.flatMap(({ name, columns }) => {
      const quarantined = [
        { name: 'reason', type: types.string },
        { name: 'row', type: types.string },
      ];
      return [
        [name.toLowerCase(), { name, columns }],
        [`${name}_quarantined`.toLowerCase(), { name: `${name}_quarantined`, columns: quarantined }],
      ] as const;
    }),
  );

/**
 * Translates the Spark SQL of a step into DuckDB's, with Spark's meaning. Throws Untranslatable, which names the
 * construct and its line, for everything that is not known to mean the same.
 */
export async function translate(duck: Duck, sql: string, inputs: Views): Promise<TranslatedView[]> {
  const views = new Map(inputs);
  const translated: TranslatedView[] = [];
  for (const { view, columns, query, line } of statementsOf(sql)) {
    try {
      // Whether views on the first one would see the second is for Spark's settings to say.
      if (views.has(view.toLowerCase())) throw new Untranslatable('there is a view of this name already');
      const found = queryOf(await parse(duck, query), views);
      const unnamed = found.columns.findIndex(({ name }) => name === undefined);
      if (unnamed >= 0 && !columns) throw new Untranslatable(`column ${unnamed + 1} has no name; give it one with AS`);
      const named = namedColumns(found.columns, columns, view).map(({ name, type }) => ({ name, type }));
      const empty = named.find(({ type }) => type.is === 'null');
      if (empty) throw new Untranslatable(`column ${empty.name} is NULL without a type; write a CAST`);
      const names = named.map(({ name }) => identifier(name)).join(', ');
      translated.push({
        name: view,
        columns: named,
        sql: `CREATE OR REPLACE TEMP VIEW ${identifier(view)}(${names}) AS ${found.sql}`,
      });
      views.set(view.toLowerCase(), { name: view, columns: named });
    } catch (error) {
      if (!(error instanceof Untranslatable)) throw error;
      const of = error.at === undefined ? line : line + query.slice(0, error.at).split('\n').length - 1;
      throw error.after(`line ${of}: view ${view}`);
    }
  }
  return translated;
}
