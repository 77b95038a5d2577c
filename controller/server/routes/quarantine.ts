import { createReadStream, existsSync } from 'node:fs';
import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { z } from 'zod';
import { cursorOf, numberOf, page, pageOf, pageQuery } from '../http/cursor.ts';
import { Problem, problemBy } from '../http/problem.ts';
import { type AnyRoute, route } from '../http/route.ts';
import * as examples from './examples.ts';
import { type Asking, partName, readRun, runName } from './shared.ts';

const params = z.strictObject({ run: runName, source: partName });

/** The path of the CSV file with the quarantined rows of a source. */
async function fileOf(asking: Asking, name: string, source: string): Promise<string> {
  const { run, state } = await readRun(asking, name);
  const profiles = state.profiles ?? {};
  const uri = Object.hasOwn(profiles, source) ? profiles[source]?.quarantine : undefined;
  const file = uri === undefined || run === undefined ? undefined : await asking.api.fileOfRun(run, uri);
  if (file === undefined) throw new Problem(404, `run ${run} has no quarantined rows of ${source}`);
  if (!existsSync(file)) throw new Problem(404, `the quarantined rows of ${source} in run ${run} were removed`);
  return file;
}

const getQuarantine = route({
  name: 'getQuarantine',
  method: 'GET',
  path: '/runs/{run}/quarantine/{source}',
  scope: 'data',
  summary: 'The quarantined rows of a source, with location and reason',
  params,
  query: z.strictObject(pageQuery),
  response: pageOf(z.object({ row: z.int(), values: z.record(z.string(), z.string()) }).meta({ id: 'QuarantinedRow' })),
  errors: [404],
  example: {
    params: { run: examples.run, source: 'deliveries' },
    query: { limit: 1 },
    answer: {
      items: [{ row: 1, values: { _where: 'deliveries-02.csv:17', _reason: 'order_id: missing', order_id: '' } }],
      next: 'eyJuIjoxfQ',
    },
  },
  async handler(asked) {
    const { query, url } = asked;
    const from = query.after === undefined ? 0 : numberOf(query.after);
    const file = await fileOf(asked, asked.params.run, asked.params.source);
    // One row more tells whether there is a next page.
    const options = { columns: true, bom: true, relax_column_count: true, from: from + 1, to: from + query.limit + 1 };
    const rows: Record<string, string>[] = [];
    try {
      const parser = parse(options);
      // A pipe does not pass errors on.
      createReadStream(file)
        .on('error', (error) => parser.destroy(error))
        .pipe(parser);
      for await (const row of parser) rows.push(row);
    } catch (error) {
      throw problemBy(error, 409, 'the file of the quarantined rows cannot be read: it was changed');
    }
    const items = rows.slice(0, query.limit).map((values, i) => ({ row: from + i + 1, values }));
    return page(url, items, rows.length > query.limit ? cursorOf(from + query.limit) : null);
  },
});

const getQuarantineFile = route({
  name: 'getQuarantineFile',
  method: 'GET',
  path: '/runs/{run}/quarantine/{source}/file',
  scope: 'data',
  summary: 'The quarantined rows of a source as a CSV file, to be repaired and sent to :replay',
  params,
  also: { 'text/csv': 'The file' },
  errors: [404],
  example: { params: { run: examples.run, source: 'deliveries' } },
  async handler(asked) {
    const { run, source } = asked.params;
    const file = await fileOf(asked, run, source);
    const stream = createReadStream(file);
    await new Promise<void>((resolve, reject) => stream.once('open', () => resolve()).once('error', reject));
    return new Response(Readable.toWeb(stream) as ReadableStream<Uint8Array>, {
      headers: {
        'content-type': 'text/csv; charset=utf-8',
        'content-disposition': `attachment; filename="${run}-${source.replace(/[^A-Za-z0-9._-]/g, '_')}.csv"`,
      },
    });
  },
});

/** For clients. */
export const quarantineCalls = { getQuarantine };
/** Rows that a run has quarantined. They may be personal data, and so need a scope of their own. */
export const quarantineRoutes: readonly AnyRoute[] = [getQuarantine, getQuarantineFile];
