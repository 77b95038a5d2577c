import { resolveRun } from '../../app/resolve-run.ts';
import { timelineDocument } from '../../app/views/lists.ts';
import { runDocument } from '../../app/views/run.ts';
import { type Phase, timelineOf } from '../../app/views/timeline.ts';
import { channelLabel, isForPeople } from '../../domain/ports/notifier.ts';
import { formatDuration } from '../../lib/duration.ts';
import { iso } from '../../lib/text.ts';
import { withReader } from '../../server/client/reader.ts';
import { eventPrinter } from '../view/events.ts';
import { coloured, columns, exit, type Output } from '../view/output.ts';
import { pc } from '../view/style.ts';

/** `sluice show [RUN]`: the history of a run as it was printed at the time, and the time of each phase. */
export async function show(output: Output, name: string | undefined, { server }: { server?: string }): Promise<number> {
  return withReader(server, async (store) => {
    const { summary, state, history } = await resolveRun(store, name);
    const started = iso(summary.started)?.slice(0, 19).replace('T', ' ');
    const took = summary.ended === undefined ? '' : `, took ${formatDuration(summary.ended - summary.started)}`;
    output.line(`${pc.bold(summary.run)}  ${summary.pipeline}  ${coloured(summary.state)}  ${started} UTC${took}`);
    const print = eventPrinter({
      ...output,
      line: (text) => output.line(`${pc.dim(clock.padStart(10))}  ${text}`),
    });
    let clock = '';
    for (const record of history) {
      clock = `+${formatDuration(record.at - summary.started)}`;
      if (record.event.type === 'sources-measured') {
        for (const [source, profile] of Object.entries(record.event.profiles)) {
          print({ kind: 'measured', source, profile, ms: undefined });
        }
      }
      print({ kind: 'event', record, state });
    }
    for (const { channel, event, to, state: sent, note } of await store.messages(summary.run))
      if (sent !== 'sent' || isForPeople({ event }))
        output.line(`${''.padEnd(10)}  ${channelLabel(channel)} ${event} to ${to}: ${sent}${note ? ` (${note})` : ''}`);
    const phases = timelineOf(history);
    output.line();
    output.line(pc.bold('Timeline'));
    for (const line of timelineLines(phases, summary.started)) output.line(line);
    output.document({ ...(await runDocument(store, summary, state)), timeline: timelineDocument(phases) });
    return exit.ok;
  });
}

const barWidth = 24;

/** One line a phase: its start, its duration with a bar, and its outcome. */
function timelineLines(phases: readonly Phase[], started: number): string[] {
  const end = Math.max(...phases.map(({ from, ms = 0 }) => from + ms), started + 1);
  const at = (time: number): number => Math.round(((time - started) / (end - started)) * barWidth);
  const rows = phases.map(({ what, from, ms, outcome, parts }) => {
    const [left, right] = [at(from), at(from + (ms ?? end - from))];
    const bar = `${' '.repeat(left)}${'█'.repeat(Math.max(ms === 0 ? 0 : 1, right - left))}`.slice(0, barWidth);
    const details = Object.entries(parts).map(([name, time]) => `${name} ${formatDuration(time)}`);
    const text = [outcome.split('\n', 1)[0]?.slice(0, 110), details.join(', ')].filter((each) => each).join('; ');
    const took = ms === undefined ? '…' : ms === 0 ? '' : formatDuration(ms);
    return [`+${formatDuration(from - started)}`, took, pc.cyan(bar.padEnd(barWidth)), what, pc.dim(text)];
  });
  return columns(rows, [0, 1]);
}
