import type { Recorded, RunEvent } from '../../controller/domain/events.ts';
import type { Message } from '../../controller/domain/ports/notifier.ts';
import type { MessageState, RunStore, RunSummary } from '../../controller/domain/ports/store.ts';
import { rejected } from '../../controller/lib/errors.ts';

interface Row {
  summary: RunSummary;
  readonly number: number;
  readonly events: Recorded[];
  owner: string | undefined;
  token: number;
  closed: number | undefined;
  swept: boolean;
}
interface Posted {
  readonly message: Message;
  state: MessageState;
  tries: number;
  due: number;
  note: string | undefined;
}

/** A run store in memory, with a clock of its own. What it keeps is copied as a database would, so that nobody changes history by accident. */
export function memoryStore(clock: () => number = Date.now): RunStore {
  const runs = new Map<string, Row>();
  const until = new Map<string, number>();
  const alive = new Map<string, string>();

  const rowOf = (run: string): Row => {
    const row = runs.get(run);
    if (!row) throw rejected(`there is no run ${run}`);
    return row;
  };
  const lives = (owner: string | undefined): boolean => owner !== undefined && (until.get(owner) ?? 0) > clock();
  const posted = memoryOutbox(clock, lives);
  const open = (): Row[] => [...runs.values()].filter((row) => row.summary.ended === undefined);
  const add = (row: Row, at: number, events: readonly RunEvent[]): number => {
    const time = Math.max(at, row.events.at(-1)?.at ?? at);
    for (const event of events)
      row.events.push({ seq: row.events.length + 1, at: time, event: structuredClone(event) });
    return time;
  };
  return {
    async create(run, pipeline, at, events, owner) {
      const summary = {
        run,
        pipeline,
        state: 'pending',
        branch: undefined,
        reason: undefined,
        started: at,
        ended: undefined,
      };
      const row: Row = { summary, number: runs.size + 1, events: [], owner, token: 1, closed: undefined, swept: false };
      add(row, at, events);
      runs.set(run, row);
      return { number: row.number, lease: { run, token: 1 } };
    },

    async attend(owner, forMs) {
      if (until.has(owner) && !lives(owner)) return undefined;
      until.set(owner, clock() + forMs);
      return clock();
    },
    controllers: async () => [...until.keys()].filter(lives),
    async strike(owner) {
      until.set(owner, 0);
    },

    async claim(run, owner) {
      const row = rowOf(run);
      const taken = row.owner !== owner && lives(row.owner);
      if (row.summary.ended !== undefined || taken || !lives(owner)) return undefined;
      if (row.owner !== owner) row.token += 1;
      row.owner = owner;
      return { run, token: row.token };
    },
    async release({ run, token }) {
      const row = rowOf(run);
      if (row.token === token) row.owner = undefined;
    },
    orphans: async (limit) =>
      open()
        .filter((row) => !lives(row.owner))
        .slice(0, limit)
        .map(({ summary, number, owner }) => ({ run: summary.run, number, owner })),
    driven: async (owner) =>
      new Map(
        open()
          .filter((row) => row.owner === owner)
          .map((row) => [row.summary.run, { token: row.token, seq: row.events.length }]),
      ),
    async ahead(run) {
      const { number, summary } = rowOf(run);
      return open()
        .filter((row) => row.summary.pipeline === summary.pipeline && row.number < number)
        .map((row) => row.summary.run);
    },

    async append({ run, token }, after, at, { events, summary = {}, messages = [], begins, ends }) {
      const row = rowOf(run);
      if (row.token !== token) return { refused: 'lost' };
      if (row.events.length !== after) return { refused: 'moved' };
      if (ends !== undefined) alive.delete(ends);
      if (begins) {
        if (alive.size >= (begins.limit ?? Number.POSITIVE_INFINITY)) return { refused: 'no-slot' };
        alive.set(begins.key, run);
      }
      const time = add(row, at, events);
      row.summary = { ...row.summary, ...summary };
      if (summary.ended !== undefined) {
        row.owner = undefined;
        row.closed = clock();
        for (const [key, of] of alive) if (of === run) alive.delete(key);
      }
      posted.put(messages);
      return { seq: row.events.length, at: time };
    },
    async request(run, at, event) {
      const row = rowOf(run);
      if (row.summary.ended !== undefined) return false;
      add(row, at, [event]);
      return true;
    },
    history: async (run, afterSeq = 0) => structuredClone(rowOf(run).events.slice(afterSeq)),

    ...memoryLists(runs),

    unswept: async (graceMs, limit) =>
      [...runs.values()]
        .filter((row) => !row.swept && (row.closed ?? Number.POSITIVE_INFINITY) <= clock() - graceMs)
        .slice(0, limit)
        .map((row) => row.summary.run),
    async swept(run) {
      rowOf(run).swept = true;
    },

    ...posted.calls,
    close: async () => undefined,
  };
}

function memoryLists(runs: ReadonlyMap<string, Row>): Pick<RunStore, 'find' | 'list' | 'lastProfiles'> {
  const newestFirst = (): Row[] => [...runs.values()].sort((a, b) => b.number - a.number);
  return {
    async find(run) {
      const exact = runs.get(run);
      const matching = exact ? [exact] : [...runs.values()].filter((row) => row.summary.run.startsWith(run));
      const [row] = matching;
      return row && matching.length === 1 ? { ...row.summary, number: row.number, owner: row.owner } : undefined;
    },
    list: async ({ pipeline, limit }) =>
      newestFirst()
        .map((row) => row.summary)
        .filter((summary) => pipeline === undefined || summary.pipeline === pipeline)
        .slice(0, limit),
    async lastProfiles(pipeline) {
      const last = newestFirst().find(
        ({ summary }) => summary.pipeline === pipeline && ['succeeded', 'degraded'].includes(summary.state),
      );
      const measured = last?.events.map((each) => each.event).findLast((event) => event.type === 'sources-measured');
      return measured?.profiles ?? {};
    },
  };
}

function memoryOutbox(clock: () => number, lives: (owner: string) => boolean) {
  const outbox = new Map<string, Posted>();
  let postman = { owner: '', until: 0 };
  const calls: Pick<RunStore, 'postman' | 'due' | 'noteDelivery' | 'messages'> = {
    async postman(owner, forMs) {
      if (postman.owner !== owner && postman.until > clock() && lives(postman.owner)) return false;
      postman = { owner, until: clock() + forMs };
      return true;
    },
    async due() {
      const waiting = [...outbox.values()].filter((posted) => posted.state === 'waiting');
      const last = waiting.findLastIndex((posted) => posted.due <= clock());
      return waiting.slice(0, last + 1).map(({ message, tries }) => ({ message, tries }));
    },
    async noteDelivery(id, state, againMs, note) {
      const posted = outbox.get(id);
      if (posted?.state !== 'waiting') return;
      Object.assign(posted, { state, due: clock() + againMs, note, tries: posted.tries + 1 });
    },
    messages: async (run) =>
      [...outbox.values()]
        .filter((posted) => posted.message.run === run)
        .map(({ message, state, note }) => ({ event: message.event, to: message.to, state, note })),
  };
  const put = (messages: readonly Message[]): void => {
    for (const message of messages) {
      if (!outbox.has(message.id))
        outbox.set(message.id, { message, state: 'waiting', tries: 0, due: clock(), note: undefined });
    }
  };
  return { calls, put };
}
