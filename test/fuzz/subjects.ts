import { recordBatches } from './batches.ts';
import { csvBytes, csvValues } from './csv.ts';
import { gateways } from './gateways.ts';
import { quarantine } from './names.ts';
import { pipelineFiles } from './pipelines.ts';
import type { Subject } from './subject.ts';

/** All subjects of the fuzzer. */
export const subjects = async (): Promise<Subject[]> => [
  pipelineFiles(),
  csvBytes(),
  csvValues(),
  await gateways(),
  quarantine(),
  recordBatches(),
];
