import { existsSync } from 'node:fs';
import type { RunState } from '../../domain/state.ts';
import { rejected } from '../../lib/errors.ts';
import { isFile } from '../../lib/uri.ts';
import { repairsOf, takeRepairs } from '../../snapshot/repairs.ts';
import { type Adapters, repairsFolder } from '../wiring.ts';

/** Where the repaired rows of a run are. */
export interface Repaired {
  /** Only the rows of this source. */
  readonly source?: string | undefined;
  /** A CSV file; the quarantine's own, when left out. */
  readonly file?: string | undefined;
  /** The pipeline that will read them. */
  readonly pipeline: string;
  /** How to name the source where it is ambiguous. */
  readonly sayIt: (source: string) => string;
}

/**
 * Takes the repaired rows of a run's quarantine for the next run of its pipeline; `onTaken` gets their number for each
 * file. Returns their number. Throws a rejected SluiceError for what does not match the quarantine.
 */
export async function takeRepairedRows(
  { context }: Pick<Adapters, 'context'>,
  { run, profiles = {} }: RunState,
  { source: only, file, pipeline, sayIt }: Repaired,
  onTaken: (source: string, rows: number, file: string) => void,
): Promise<number> {
  const files = Object.entries(profiles).flatMap(([source, { quarantine }]) =>
    quarantine !== undefined && (only ?? source) === source ? [{ source, csv: quarantine }] : [],
  );
  if (files.length === 0)
    throw rejected(
      `run ${run} has no quarantined rows${only === undefined ? '' : ` of ${only}`}`,
      '`sluice show` lists quarantined rows',
    );
  if (file !== undefined && files.length > 1)
    throw rejected(
      `${file}: the source of these rows is ambiguous`,
      `say so: ${files.map(({ source }) => sayIt(source)).join(', or ')}`,
    );
  let taken = 0;
  for (const { source, csv } of files) {
    const repaired = file ?? csv;
    if (!isFile(repaired))
      throw rejected(`${repaired} is not on this machine`, 'fetch it, repair its rows, and give it: --repaired FILE');
    if (!existsSync(repaired))
      throw rejected(`there is no file ${repaired}`, 'give the repaired rows: --repaired FILE');
    const repairs = repairsOf(repairsFolder(context.project, pipeline), source);
    const rows = await takeRepairs(csv, repaired, repairs, context);
    if (rows > 0) onTaken(source, rows, repaired);
    taken += rows;
  }
  if (taken === 0)
    throw rejected(
      'no repaired rows found',
      `correct the columns in ${files.map(({ csv }) => csv).join(', ')}, and run replay again`,
    );
  return taken;
}
