import pc from 'picocolors';
import type { RunOptions } from '../run/engine.ts';
import type { RunState } from '../run/state.ts';
import type { RunStore } from '../store/port.ts';
import { runDocument } from './document.ts';
import { narrator } from './narrate.ts';
import { exit, type Output } from './output.ts';
import { type Session, startRun } from './session.ts';
import { openPipeline, withStore } from './wiring.ts';

/** `sluice run FILE` */
export async function run(output: Output, file: string, options: RunOptions): Promise<number> {
  const { project, loaded } = await openPipeline(file);
  return withStore(project, async (store) =>
    driveToEnd(await startRun(project, store, loaded, narrator(output), options), store, output),
  );
}

/** Drives a run in this terminal. Ctrl-C ends its Spark application first; a second one leaves at once. */
export async function driveToEnd(session: Session, store: RunStore, output: Output): Promise<number> {
  let interrupted = false;
  const interrupt = (): void => {
    if (interrupted) {
      output.line(`left at once; \`sluice resume ${session.run}\` goes on with the run`);
      process.exit(exit.interrupted);
    }
    interrupted = true;
    session.cancel('Ctrl-C').catch((error: Error) => output.line(`the request could not be noted: ${error.message}`));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    const state = await session.engine.drive();
    await tellMail(session, store, output);
    const summary = await store.find(session.run);
    if (summary) output.document(await runDocument(store, summary, state));
    output.line(pc.dim(`sluice show ${session.run} tells all of it`));
    return codeOf(state, interrupted);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await session.close();
  }
}

async function tellMail(session: Session, store: RunStore, output: Output): Promise<void> {
  const { waiting, problem } = await session.mail();
  for (const { event, to, state } of await store.messages(session.run)) {
    output.line(`${pc.bold('mail'.padEnd(9))} ${event} to ${to}: ${state}`);
  }
  if (waiting > 0) output.line(pc.yellow(`${waiting} mails wait for the next run: ${problem}`));
}

function codeOf({ ended }: RunState, interrupted: boolean): number {
  if (!ended) return exit.failed;
  if (ended.state === 'cancelled') return interrupted ? exit.interrupted : exit.failed;
  return ended.state === 'failed' ? (ended.exitCode ?? exit.failed) : exit.ok;
}
