import { stringify } from 'yaml';
import { builtIn } from '../../../app/registry.ts';
import { contractOf } from '../../../app/views/contract.ts';
import { openPipeline } from '../../../app/wiring.ts';
import { exit, type Output } from '../../view/output.ts';

/** `sluice contract FILE`: the pipeline as a data contract, in YAML, or with `--json` in JSON. */
export async function contract(output: Output, file: string): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  const document = contractOf(project.name, loaded, builtIn.sinks);
  for (const line of stringify(document).trimEnd().split('\n')) output.line(line);
  output.document(document);
  return exit.ok;
}
