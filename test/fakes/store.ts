import type { RunEvent } from '../../controller/domain/events.ts';
import type { Message } from '../../controller/domain/ports/notifier.ts';
import type { Entry, FeedEvent, RunStore, StoreOwner } from '../../controller/domain/ports/store.ts';
import type { TriggerName } from '../../controller/domain/ports/triggers.ts';
import { countsOfEvents, readingsOf } from '../../controller/domain/totals.ts';
import { rejected } from '../../controller/lib/errors.ts';
import { memoryAlerts } from './store-alerts.ts';
import { memoryCleanup, memoryIndex, memoryOutbox, type Posted, type Row } from './store-lists.ts';
import { memoryServers } from './store-servers.ts';
import { memoryAudit, memoryTokens } from './store-tokens.ts';
import { type KnownTrigger, memoryTriggers } from './store-triggers.ts';
import { memoryReadings, memoryTotals, vitalsOf } from './store-vitals.ts';

/** A run store in memory, with its own clock. */
export const memoryStore = (clock: () => number = Date.now): RunStore => memoryStores(clock)({ name: 'project' });

/**
 * One store in memory as several projects see it. Values are copied as in a database, so that no caller changes a
 * history by accident.
 */
export function memoryStores(clock: () => number): (owner: StoreOwner) => RunStore {
  const runs = new Map<string, Row>();
  /** Runs that may wait, by trigger. */
  const fired = new Map<string, Row[]>();
  const feed: FeedEvent[] = [];
  const until = new Map<string, number>();
  const alive = new Map<string, string>();
  const outbox = new Map<string, Posted>();
  const roles = new Map<string, { owner: string; until: number }>();
  const triggers = new Map<string, KnownTrigger>();
  const shared = memoryServers();
  const tokens = memoryTokens();
  const audit = memoryAudit();
  const totals = memoryTotals();
  const alerts = memoryAlerts();
  const readings = memoryReadings();
  let created = 0;

  const rowOf = (run: string): Row => {
    const row = runs.get(run);
    if (!row) throw rejected(`there is no run ${run}`);
    return row;
  };
  const lives = (owner: string | undefined): boolean => owner !== undefined && (until.get(owner) ?? 0) > clock();
  const open = (): Row[] => [...runs.values()].filter((row) => row.summary.ended === undefined);
  const add = (row: Row, at: number, events: readonly RunEvent[], phases?: Entry['phases']): number => {
    const time = Math.max(at, row.events.at(-1)?.at ?? at);
    for (const event of events) {
      const record = { seq: row.events.length + 1, at: time, event: structuredClone(event) };
      row.events.push(record);
      feed.push({ position: (feed.at(-1)?.position ?? 0) + 1, run: row.summary.run, ...record });
    }
    const { pipeline, started } = row.summary;
    readings.set(row.project, pipeline, readingsOf(events));
    totals.add(row.project, pipeline, countsOfEvents(events, time - started, phases));
    return time;
  };
  const post = (project: string, messages: readonly Message[]): void => {
    for (const message of messages)
      if (!outbox.has(message.id))
        outbox.set(message.id, {
          ...{ project, message, state: 'waiting', tries: 0, entered: clock(), due: clock(), note: undefined },
        });
  };

  return ({ name: project, formerNames = [] }) => {
    for (const row of runs.values()) if (formerNames.includes(row.project)) row.project = project;
    const ours = (): Row[] => [...runs.values()].filter((row) => row.project === project);
    const ofTrigger = ({ pipeline, trigger }: TriggerName): Row[] =>
      ours()
        .filter(({ summary }) => summary.pipeline === pipeline && summary.trigger === trigger)
        .sort((a, b) => b.summary.number - a.summary.number);
    const isOurs = (run: string): boolean => runs.get(run)?.project === project;
    const isPostedByUs = ({ project: its, message: { run } }: Posted): boolean =>
      run === undefined ? its === project : isOurs(run);
    const store: RunStore = {
      async create({ run, pipeline, at, events, owner, idempotencyKey, trigger }) {
        const there = idempotencyKey && ours().find((row) => row.idempotencyKey === idempotencyKey);
        if (there) return { number: there.summary.number, lease: { run: there.summary.run, token: 0 }, isNew: false };
        if (runs.has(run)) throw rejected(`there is a run ${run} already`);
        created += 1;
        const summary = { ...nothingYet, run, number: created, pipeline, started: at, trigger };
        const row: Row = { ...{ project, summary, events: [], owner, token: 1 }, idempotencyKey, cleanedUp: false };
        add(row, at, events);
        runs.set(run, row);
        const of = `${project}\0${pipeline}\0${trigger}`;
        if (trigger !== undefined) fired.set(of, [...(fired.get(of) ?? []), row]);
        return { number: created, lease: { run, token: 1 }, isNew: true };
      },
      async append({ run, token }, after, at, { events, summary = {}, messages = [], phases, takesSlot, freesSlot }) {
        const row = rowOf(run);
        if (row.token !== token) return { refused: 'lost' };
        if (row.events.length !== after) return { refused: 'moved' };
        if (freesSlot !== undefined) alive.delete(freesSlot);
        if (takesSlot) {
          if (alive.size >= (takesSlot.limit ?? Number.POSITIVE_INFINITY)) return { refused: 'no-slot' };
          alive.set(takesSlot.key, run);
        }
        const time = add(row, at, events, phases);
        const { measuring, ...shown } = summary;
        row.summary = { ...row.summary, ...shown };
        if (measuring) row.measuring = true;
        if (summary.ended !== undefined) {
          row.owner = undefined;
          row.closed = clock();
          for (const [key, of] of alive) if (of === run) alive.delete(key);
        }
        post(row.project, messages);
        return { seq: row.events.length, at: time };
      },
      async request(run, at, event) {
        const row = rowOf(run);
        if (row.summary.ended !== undefined) return false;
        add(row, at, [event]);
        return true;
      },
      history: async (run, afterSeq = 0) => structuredClone(rowOf(run).events.slice(afterSeq)),

      since: async (position, limit) =>
        structuredClone(feed.filter((each) => each.position > position && isOurs(each.run)).slice(0, limit)),
      async endsSince(position, limit) {
        const last = feed.at(-1)?.position ?? 0;
        if (position === undefined) return { ends: [], position: last };
        const ends = feed
          .filter((each) => each.position > position && isOurs(each.run) && each.event.type === 'run-ended')
          .slice(0, limit)
          .map(({ position: its, run, at, event }) => {
            const { pipeline } = rowOf(run).summary;
            return { position: its, run, pipeline, state: 'state' in event ? event.state : '', ended: at };
          });
        return {
          ends,
          position: ends.length === limit ? (ends.at(-1)?.position ?? position) : Math.max(last, position),
        };
      },
      async waitFor(position, signal) {
        while (!signal.aborted && (await store.since(position, 1)).length === 0)
          await new Promise((resolve) => setTimeout(resolve, 10));
      },

      lastPosition: async () => feed.findLast((each) => isOurs(each.run))?.position ?? 0,

      async heartbeat(owner, forMs) {
        if (until.has(owner) && !lives(owner)) return undefined;
        until.set(owner, clock() + forMs);
        return clock();
      },
      controllers: async () => [...until.keys()].filter(lives),
      async expire(owner) {
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
      orphaned: async (limit) =>
        open()
          .filter((row) => row.project === project && !lives(row.owner))
          .slice(0, limit)
          .map(({ summary, owner }) => ({ run: summary.run, number: summary.number, owner })),
      held: async (owner) =>
        new Map(
          open()
            .filter((row) => row.owner === owner)
            .map((row) => [row.summary.run, { token: row.token, seq: row.events.length }]),
        ),
      async claimRole(role, owner, forMs) {
        const key = JSON.stringify([project, role]);
        const holder = roles.get(key);
        if (holder && holder.owner !== owner && holder.until > clock() && lives(holder.owner)) return false;
        roles.set(key, { owner, until: clock() + forMs });
        return true;
      },
      roles: async () =>
        [...roles]
          .filter(([key, held]) => JSON.parse(key)[0] === project && held.until > clock() && lives(held.owner))
          .map(([key, { owner }]) => ({ role: JSON.parse(key)[1] as string, owner }))
          .sort((a, b) => (a.role < b.role ? -1 : 1)),

      ...memoryIndex(ours, rowOf),
      ...memoryOutbox({ outbox, runs, clock }, isPostedByUs, (counts) => totals.add(project, '', counts)),
      ...alerts(project, {
        post: (messages) => post(project, messages),
        removeMessages(before) {
          for (const [id, { project: its, message, state, entered }] of outbox)
            if (its === project && message.run === undefined && state !== 'waiting' && entered < before)
              outbox.delete(id);
        },
      }),
      ...memoryCleanup(runs, ours, clock),
      ...memoryTriggers(triggers, clock, project, {
        create: (run) => store.create(run),
        request: (run, at, event) => store.request(run, at, event),
        has: (run) => runs.has(run),
        count: (pipeline, counts) => totals.add(project, pipeline, counts),
        waiting: ({ pipeline, trigger }) => {
          const of = `${project}\0${pipeline}\0${trigger}`;
          const waiting = (fired.get(of) ?? []).filter(isWaiting);
          if (fired.has(of)) fired.set(of, waiting);
          return waiting.map((row) => row.summary.run).reverse();
        },
        ends: (name, since) =>
          ofTrigger(name)
            .filter(({ summary }) => summary.ended !== undefined && summary.started >= since)
            .map((row) => row.summary.state),
      }),
      ...shared(project, lives),
      ...tokens(project),
      ...audit(project),
      vitals: async () =>
        vitalsOf(
          ours().map(({ summary }) => summary),
          [...outbox.values()].filter(isPostedByUs),
          { now: clock(), totals: totals.of(project), readings: readings.of(project), applications: alive.size },
        ),
      async remove(run) {
        if (runs.get(run)?.summary.ended === undefined) return;
        runs.delete(run);
        for (const [id, { message }] of outbox) if (message.run === run) outbox.delete(id);
        feed.splice(0, feed.length, ...feed.filter((each) => each.run !== run));
      },
      close: async () => undefined,
    };
    return store;
  };
}

/** Whether a run has not begun to measure. One that has never waits again. */
const isWaiting = ({ summary, measuring }: Row): boolean =>
  summary.state === 'pending' && summary.ended === undefined && !measuring;

const nothingYet = {
  state: 'pending',
  branch: undefined,
  reason: undefined,
  ended: undefined,
  quality: undefined,
  rows: undefined,
  coreSeconds: undefined,
};
