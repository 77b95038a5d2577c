import { exit, type Output } from '../../view/output.ts';
import { shownTime, withTriggers } from './with-triggers.ts';

/** `sluice why PIPELINE TRIGGER INSTANT` */
export const why = (
  output: Output,
  pipeline: string,
  trigger: string,
  instant: string,
  { server }: { server?: string },
): Promise<number> =>
  withTriggers(server, async (triggers) => {
    const found = await triggers.why(pipeline, trigger, instant);
    output.line(`${pipeline} ${trigger}, ${instant}${found.due === null ? '' : ` (due ${shownTime(found.due)})`}:`);
    output.line(`  ${found.answer}`);
    output.document(found);
    return exit.ok;
  });
