import { z } from 'zod';
import { runStates } from '../../domain/lifecycle.ts';
import { pageQuery } from '../http/cursor.ts';
import { partName } from './shared.ts';

const instant = z.iso.datetime({ offset: true });

/** The filters of runs. */
export const runFilters = {
  pipeline: partName.optional().describe('Only runs of this pipeline'),
  state: z.array(z.enum(runStates)).optional().describe('Only runs in one of these states'),
  trigger: partName.optional().describe('Only runs that this trigger of their pipeline started'),
  branch: partName.optional().describe('Only runs that took this branch'),
  q: partName.optional().describe('Only runs whose name, or whose pipeline, begins with this'),
  since: instant.optional().describe('The earliest start'),
  until: instant.optional().describe('The first start that is too late'),
  before: z.coerce.number().int().min(0).optional().describe('Only runs with a smaller number'),
  ...pageQuery,
};
