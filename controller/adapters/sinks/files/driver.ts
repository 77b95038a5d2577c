import { z } from 'zod';
import { below, located } from '../../../lib/uri.ts';
import { ofOutput } from '../../../pipeline/schema.ts';
import { parquet } from '../../../snapshot/snapshot.ts';
import { fileDataset } from '../../datasets.ts';
import type { SinkDriver } from '../../drivers.ts';
import { stagingFolder, versionOf, versionsOf } from './folder.ts';

const folder = z.string().min(1).describe('A folder relative to the project, or in a storage');

function fileSink(kind: 'parquet' | 'csv', name: string): SinkDriver {
  return {
    kind,
    spec: z.strictObject({ [kind]: folder, ...ofOutput }),
    places: [{ at: [kind], is: 'folder' }],
    async open({ project, scratch, storage }) {
      const { filePublisher } = await import('./files.ts');
      return filePublisher(project.root, scratch, storage);
    },
    stage(output, key, root) {
      const target = located(root, String(output[kind]));
      return { target, placeOf: (view) => below(stagingFolder(target, key), view) };
    },
    writes: () => ({ fields: {} }),
    publishedAt: ({ target, key }, runNumber, view) => versionsOf(target, versionOf(runNumber, key), view),
    dataset: (output, view, { root }) => fileDataset(below(located(root, String(output[kind])), view)),
    describe: (output) => `as ${name} in ${output[kind]}`,
  };
}

/** Parquet files in a folder. */
export const parquetSink: SinkDriver = { ...fileSink('parquet', 'Parquet'), relation: parquet };
/** CSV files in a folder. */
export const csvSink = fileSink('csv', 'CSV');
