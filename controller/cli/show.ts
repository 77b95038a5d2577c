import pc from 'picocolors';
import { spoken } from '../pipeline/duration.ts';
import { runDocument } from './document.ts';
import { narrator } from './narrate.ts';
import { coloured, exit, type Output } from './output.ts';
import { pickRun } from './pick-run.ts';
import { openProject, withStore } from './wiring.ts';

/** `sluice show [RUN]`: the history of a run, as it was told when it happened. */
export async function show(output: Output, name: string | undefined): Promise<number> {
  return withStore(await openProject(), async (store) => {
    const { summary, state, history } = await pickRun(store, name);
    const started = new Date(summary.started).toISOString().slice(0, 19).replace('T', ' ');
    const took = summary.ended === undefined ? '' : `, took ${spoken(summary.ended - summary.started)}`;
    output.line(`${pc.bold(summary.run)}  ${summary.pipeline}  ${coloured(summary.state)}  ${started} UTC${took}`);
    const tell = narrator({
      ...output,
      line: (text) => output.line(`${pc.dim(clock.padStart(9))}  ${text}`),
    });
    let clock = '';
    for (const record of history) {
      clock = `+${spoken(record.at - summary.started)}`;
      if (record.event.type === 'sources-measured') {
        for (const [source, profile] of Object.entries(record.event.profiles)) {
          tell({ kind: 'measured', source, profile, ms: undefined });
        }
      }
      tell({ kind: 'event', record, state });
    }
    for (const message of await store.messages(summary.run))
      output.line(
        `${''.padEnd(9)}  mail ${message.event} to ${message.to}: ${message.state}${message.note ? ` (${message.note})` : ''}`,
      );
    output.document(await runDocument(store, summary, state));
    return exit.ok;
  });
}
