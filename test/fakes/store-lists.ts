import type { Recorded, RunEvent } from '../../controller/domain/events.ts';
import { channelOf, isForPeople, type Message } from '../../controller/domain/ports/notifier.ts';
import type { MessageState, Outbox } from '../../controller/domain/ports/outbox.ts';
import type { RunFilter } from '../../controller/domain/ports/run-filter.ts';
import type { CleanupQueue, RunIndex, RunSummary } from '../../controller/domain/ports/store.ts';
import type { Count } from '../../controller/domain/totals.ts';
import { matchesGlob } from '../../controller/lib/glob.ts';

export interface Row {
  project: string;
  summary: RunSummary;
  readonly events: Recorded[];
  owner: string | undefined;
  token: number;
  closed?: number;
  measuring?: boolean;
  readonly idempotencyKey: string | undefined;
  cleanedUp: boolean;
}
export interface Posted {
  readonly project: string;
  readonly entered: number;
  readonly message: Message;
  state: MessageState;
  tries: number;
  due: number;
  note: string | undefined;
}

const hasPublished = ({ summary }: Row): boolean => ['succeeded', 'degraded'].includes(summary.state);

export function memoryIndex(ours: () => Row[], rowOf: (run: string) => Row): RunIndex {
  const newestFirst = (): Row[] => ours().sort((a, b) => b.summary.number - a.summary.number);
  const matching = ({
    pipelines,
    states,
    pipeline,
    trigger,
    branch,
    prefix = '',
    before,
    since,
    until,
  }: Omit<RunFilter, 'limit'>): RunSummary[] =>
    newestFirst()
      .map((row) => row.summary)
      .filter((each) => (pipeline ?? each.pipeline) === each.pipeline)
      .filter((each) => (trigger ?? each.trigger) === each.trigger && (branch ?? each.branch) === each.branch)
      .filter((each) => each.run.startsWith(prefix) || each.pipeline.startsWith(prefix))
      .filter((each) => pipelines?.some((glob) => matchesGlob(glob, each.pipeline)) ?? true)
      .filter((each) => states?.some((state) => state === each.state) ?? true)
      .filter(({ number }) => before === undefined || number < before)
      .filter(({ started }) => (since === undefined || started >= since) && (until === undefined || started < until));
  const lastOf = <T extends RunEvent['type']>(row: Row | undefined, type: T) =>
    row?.events.map((each) => each.event).findLast((event) => event.type === type) as
      | Extract<RunEvent, { type: T }>
      | undefined;
  return {
    async find(run) {
      const exact = ours().filter((row) => row.summary.run === run);
      const matching = exact.length > 0 ? exact : ours().filter((row) => row.summary.run.startsWith(run));
      const [row] = matching;
      return row && matching.length === 1 ? { ...row.summary, owner: row.owner } : undefined;
    },
    newest: async (pipelines, limit) =>
      pipelines
        .flatMap((name) =>
          newestFirst()
            .filter(({ summary }) => summary.pipeline === name)
            .slice(0, limit),
        )
        .map(({ summary }) => summary)
        .sort((a, b) => b.number - a.number),
    list: async ({ limit, ...filter }) => matching(filter).slice(0, limit),
    async starts(filter, everyMs) {
      const counts = new Map<string, { from: number; state: string; runs: number }>();
      for (const { started, state } of matching(filter)) {
        const from = started - (started % everyMs);
        const key = `${String(from).padStart(15, '0')} ${state}`;
        counts.set(key, { from, state, runs: (counts.get(key)?.runs ?? 0) + 1 });
      }
      return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
    },
    async activeBefore(run) {
      const { summary } = rowOf(run);
      return ours()
        .map((row) => row.summary)
        .filter((each) => each.ended === undefined && each.pipeline === summary.pipeline)
        .filter(({ number }) => number < summary.number)
        .map((each) => each.run);
    },
    async lastProfiles(pipeline) {
      const last = newestFirst().find((row) => row.summary.pipeline === pipeline && hasPublished(row));
      return lastOf(last, 'sources-measured')?.profiles ?? {};
    },
    async lastPlanned(pipeline) {
      const last = newestFirst().find(({ summary }) => summary.pipeline === pipeline && summary.branch !== undefined);
      const [planned, measured] = [lastOf(last, 'planned'), lastOf(last, 'sources-measured')];
      return last && planned && measured && { ...last.summary, plan: planned.plan, profiles: measured.profiles };
    },
    lastMeasures: async (pipeline, limit) =>
      newestFirst()
        .filter(({ summary }) => summary.pipeline === pipeline && summary.branch !== undefined)
        .slice(0, limit)
        .flatMap((row) => {
          const { run, started, ended } = row.summary;
          const measured = row.events.findLast(({ event }) => event.type === 'sources-measured');
          const { cause, again } = lastOf(row, 'run-started') ?? {};
          if (measured?.event.type !== 'sources-measured') return [];
          const measures = Object.entries(measured.event.profiles).map(([name, profile]) => [name, profile.measures]);
          return {
            ...{ run, at: measured.at, isFullRefresh: again !== undefined, measures: Object.fromEntries(measures) },
            ...(cause && { cause }),
            ...(hasPublished(row) && ended !== undefined && { ms: ended - started }),
          };
        }),
  };
}

export function memoryCleanup(
  runs: ReadonlyMap<string, Row>,
  ours: () => Row[],
  clock: () => number,
): Omit<CleanupQueue, 'remove'> {
  const closedFor = (ms: number): Row[] =>
    ours().filter(({ closed = Number.POSITIVE_INFINITY }) => closed <= clock() - ms);
  return {
    pendingCleanup: async (graceMs, limit) =>
      closedFor(graceMs)
        .filter((row) => !row.cleanedUp)
        .slice(0, limit)
        .map((row) => row.summary.run),
    async cleanedUp(run) {
      const row = runs.get(run);
      if (row) row.cleanedUp = true;
    },
    async beyondRetention(ageMs, limit) {
      const last = new Map(
        ours()
          .filter(hasPublished)
          .map(({ summary }) => [summary.pipeline, summary.run]),
      );
      return closedFor(ageMs)
        .filter(({ cleanedUp, summary }) => cleanedUp && last.get(summary.pipeline) !== summary.run)
        .slice(0, limit)
        .map(({ summary: { run, pipeline } }) => ({ run, pipeline }));
    },
  };
}

export function memoryOutbox(
  { outbox, runs, clock }: { outbox: Map<string, Posted>; runs: ReadonlyMap<string, Row>; clock: () => number },
  isOurs: (posted: Posted) => boolean,
  count: (counts: readonly Count[]) => void,
): Outbox {
  const recipientOf = ({ message }: Posted): string => JSON.stringify([channelOf(message), message.to]);
  return {
    async due() {
      const waiting = [...outbox.values()].filter((posted) => posted.state === 'waiting' && isOurs(posted));
      const last = new Map<string, Posted>();
      for (const posted of waiting) if (posted.due <= clock()) last.set(recipientOf(posted), posted);
      return waiting
        .filter((posted, i) => waiting.indexOf(last.get(recipientOf(posted)) as Posted) >= i)
        .map(({ message, tries }) => ({ message, tries }));
    },
    async recordAttempt(id, state, againMs, note) {
      const posted = outbox.get(id);
      if (posted?.state !== 'waiting') return;
      Object.assign(posted, { state, due: clock() + againMs, note, tries: posted.tries + 1 });
      if (state !== 'waiting') count([{ name: 'messages', labels: [channelOf(posted.message), state], n: 1 }]);
    },
    messages: async (run) =>
      [...outbox.values()]
        .filter((posted) => posted.message.run === run)
        .map(({ message, state, note }) => ({
          channel: channelOf(message),
          event: message.event,
          to: message.to,
          state,
          note,
        })),
    posted: async ({ only, pipelines, before = Number.POSITIVE_INFINITY, limit }) =>
      [...outbox.values()]
        .map((posted, i) => ({
          ...posted,
          number: i + 1,
          pipeline: runs.get(posted.message.run ?? '')?.summary.pipeline,
        }))
        .filter((each) => isOurs(each) && each.number < before)
        .filter(({ state }) => only === undefined || (state !== 'sent' && (only === 'unsent' || state === only)))
        .filter(
          ({ pipeline = '' }) => pipelines?.some((glob) => pipeline !== '' && matchesGlob(glob, pipeline)) ?? true,
        )
        .filter(({ state, message }) => state !== 'sent' || isForPeople(message))
        .reverse()
        .slice(0, limit)
        .map(({ number, message, pipeline, state, note, tries, entered }) => ({
          ...{ number, run: message.run, pipeline, channel: channelOf(message), event: message.event, to: message.to },
          ...{ state, note, tries, entered },
        })),
  };
}
