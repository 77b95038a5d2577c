import { z } from 'zod';
import { allowedIn } from '../../../config/project.ts';
import { columnsOf } from '../../../domain/pipeline.ts';
import type { Pin } from '../../../domain/profile.ts';
import { located } from '../../../lib/uri.ts';
import { columns, identifier } from '../../../pipeline/schema.ts';
import { reasonSql, spark, typedColumns } from '../../../snapshot/rules.ts';
import { fileDataset } from '../../datasets.ts';
import type { SourceDriver } from '../../drivers.ts';

const spec = z.strictObject({
  csv: z.string().min(1).describe('Files, as a glob relative to the project, or in a storage'),
  key: identifier.describe('The column that identifies a row'),
  columns: columns.describe('The header, in order, with the type of each column'),
});
/** `pending` are files that are still written, given by the trigger that started the run. */
export type CsvSource = z.output<typeof spec> & { readonly pending?: readonly string[] };

/** CSV files with the size and time at which they were found. */
export interface CsvPin extends Pin {
  readonly kind: 'csv';
  readonly files: readonly { readonly path: string; readonly size: number; readonly mtimeMs: number }[];
}

/** CSV files that match a glob. */
export const csvSource: SourceDriver = {
  kind: 'csv',
  spec,
  places: [{ at: ['csv'], is: 'glob' }],
  async open({ project, scratch, storage, snapshots }) {
    const { csvReader } = await import('./csv.ts');
    return csvReader({ root: project.root, scratch, storage, snapshots, allowed: allowedIn(project).paths });
  },
  async watch({ project, storage }) {
    const { filesOf } = await import('./pin.ts');
    const where = { root: project.root, storage, allowed: allowedIn(project).paths };
    return {
      files: (source) => {
        const pattern = typeof source === 'string' ? source : (source as CsvSource).csv;
        return filesOf('trigger', pattern, where);
      },
    };
  },
  dataset: (source, { root }) => fileDataset(located(root, (source as CsvSource).csv)),
  input({ name, source, pin }) {
    const all = columnsOf(source);
    const reason = reasonSql(all, spark, true);
    return { input: { name, kind: 'csv', files: (pin as CsvPin).files, columns: typedColumns(all), reason } };
  },
};
