import { z } from 'zod';
import type { Compared } from '../../domain/past.ts';
import type { PastIndex } from '../../domain/ports/past-index.ts';
import type { RunState } from '../../domain/state.ts';
import { comparedRuns } from '../../planning/normal.ts';
import { comparedText, compareRun } from '../../planning/past.ts';
import { comparedSchema, list } from './documents.ts';

/** The document of `sluice normal`. */
export const comparedDocumentSchema = z
  .object({
    run: z.string(),
    compared: list(comparedSchema.extend({ says: z.string().describe('The comparison in words') })),
  })
  .meta({ id: 'ComparedRun' });

export interface ComparedDocument {
  readonly run: string;
  readonly compared: readonly (Compared & { readonly says: string })[];
}

/** A run beside the last runs of its pipeline before it. */
export async function comparedDocument(store: PastIndex, state: RunState): Promise<ComparedDocument> {
  const { run = '', pipeline } = state;
  const runs = pipeline ? await store.lastMeasures(pipeline.name, comparedRuns) : [];
  return { run, compared: compareRun(state, runs).map((each) => ({ ...each, says: comparedText(each) })) };
}
