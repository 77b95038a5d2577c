import type { Recorded, RunEvent } from '../domain/events.ts';
import { next, runTable } from '../domain/lifecycle.ts';
import { coreSecondsOf, outputsOf } from '../domain/outcome.ts';
import { type OpenPhases, type PhaseTime, phasesAfter } from '../domain/phases.ts';
import type { Message } from '../domain/ports/notifier.ts';
import type { Entry, Lease, RunStore } from '../domain/ports/store.ts';
import { apply, emptyState, type RunState } from '../domain/state.ts';
import { reasonOf, SluiceError } from '../lib/errors.ts';
import type { Ports } from './ports.ts';

/**
 * The store is unavailable. Nothing is lost: the operation is retried, and events that it has stored meanwhile are read
 * first.
 */
export class StoreUnavailableError extends Error {}

/** The history has events that the writer had not read. The caller decides again. */
export class ConcurrencyConflictError extends Error {}

/** Another controller owns the run now. */
export class LeaseLostError extends Error {
  constructor(run: string) {
    super(`run ${run} was taken over by another controller`);
  }
}

/** Whether events tell receivers of lineage and traces anything. */
const tells = (events: readonly RunEvent[]): boolean =>
  events.some(({ type }) => ['planned', 'attempt-intended', 'step-ended', 'run-ended'].includes(type));

type Extras = Pick<Entry, 'takesSlot' | 'freesSlot'>;

/** The history of a run as its controller knows it. All appends go through it. */
export class Journal {
  state: RunState = emptyState();
  seq = 0;
  /** Another writer may have appended to the history, or a response was lost. */
  needsReload = true;
  /** The time of the last event, before which no other one is stored. */
  private lastAt = 0;
  private phases: OpenPhases = new Map();
  private awaySince: number | undefined;
  private lastOperation: Promise<unknown> = Promise.resolve();
  private readonly lease: Lease;
  private readonly ports: Pick<Ports, 'store' | 'now' | 'onUpdate' | 'messages' | 'telemetry'>;

  constructor(lease: Lease, ports: Pick<Ports, 'store' | 'now' | 'onUpdate' | 'messages' | 'telemetry'>) {
    this.lease = lease;
    this.ports = ports;
  }

  /** Queries the store. Throws StoreUnavailableError when it did not respond; the outcome is then unknown. */
  async query<T>(work: (store: RunStore) => Promise<T>): Promise<T> {
    try {
      return await work(this.ports.store);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.kind === 'rejected') throw error;
      this.needsReload = true;
      if (this.awaySince === undefined) {
        this.awaySince = this.ports.now();
        this.ports.onUpdate({ kind: 'note', text: `the run store is unavailable; retrying: ${error.message}` });
      }
      throw new StoreUnavailableError(error.message, { cause: error });
    }
  }

  /** Reads new events if there may be any. Records how long the store was unavailable. */
  async catchUp(): Promise<void> {
    if (this.needsReload) await this.inSequence(() => this.read());
  }

  /**
   * Stores events with the resulting summary and messages, then applies them. Entries are appended one after the other.
   * False when no slot for a Spark application is free. Throws ConcurrencyConflictError, LeaseLostError or
   * StoreUnavailableError.
   */
  append(events: readonly RunEvent[], extras: Extras = {}): Promise<boolean> {
    return this.inSequence(() => this.write(events, extras));
  }

  /** Reads and writes take turns, so that no event is applied twice. */
  private inSequence<T>(work: () => Promise<T>): Promise<T> {
    const done = this.lastOperation.then(work, work);
    this.lastOperation = done;
    return done;
  }

  private async read(): Promise<void> {
    this.needsReload = false;
    const { run } = this.lease;
    for (const record of await this.query((store) => store.history(run, this.seq))) this.applyRecord(record);
    if (this.awaySince === undefined || this.state.ended) return;
    const awayMs = this.ports.now() - this.awaySince;
    this.awaySince = undefined;
    await this.write([{ type: 'store-returned', awayMs }], {});
  }

  private async write(events: readonly RunEvent[], extras: Extras): Promise<boolean> {
    if (this.needsReload) throw new ConcurrencyConflictError();
    const at = Math.max(this.ports.now(), this.lastAt);
    const after = this.seq;
    const records = events.map((event, i) => ({ seq: after + i + 1, at, event }));
    const { summary, messages } = this.consequences(records, at);
    const telemetry = this.ports.telemetry && tells(events) ? await this.telemetry(records) : [];
    const phases = this.phasesEndedBy(records);
    const entry = { events, summary, messages: [...messages, ...telemetry], phases, ...extras };
    const appended = await this.query((store) => store.append(this.lease, after, at, entry));
    if (!('refused' in appended)) {
      for (const record of records) this.applyRecord({ ...record, at: appended.at });
      return true;
    }
    if (appended.refused === 'no-slot') return false;
    if (appended.refused === 'lost') throw new LeaseLostError(this.lease.run);
    this.needsReload = true;
    throw new ConcurrencyConflictError();
  }

  /** The summary and the messages, rendered from the state after the events. */
  private consequences(records: readonly Recorded[], at: number): Required<Pick<Entry, 'summary' | 'messages'>> {
    const { state } = this;
    const events = records.map(({ event }) => event);
    const status = events.reduce((before, event) => next(runTable, before, event), state.status);
    const planned = events.find((event) => event.type === 'planned');
    const summary = {
      ...(status === state.status || status === undefined ? {} : { state: status }),
      ...(events.some((event) => event.type === 'measuring') ? { measuring: true as const } : {}),
      ...(planned
        ? { branch: planned.plan.choice.branch ?? '', reason: planned.plan.reason, quality: planned.plan.quality }
        : {}),
    };
    const ended = events.find((event) => event.type === 'run-ended');
    if (!ended) return { summary, messages: [] };
    const after = this.stateAfter(records);
    const rows = outputsOf(after).reduce((sum, output) => sum + output.rows, 0);
    const outcome = { reason: ended.reason, ended: at, rows, coreSeconds: coreSecondsOf(after, at) };
    return { summary: { ...summary, ...outcome }, messages: this.messages(after) };
  }

  private phasesEndedBy(records: readonly Recorded[]): PhaseTime[] {
    let { phases } = this;
    return records.flatMap((record) => {
      const { open, ended } = phasesAfter(phases, record);
      phases = open;
      return ended;
    });
  }

  private stateAfter(records: readonly Recorded[]): RunState {
    const after = structuredClone(this.state);
    for (const record of records) apply(after, record);
    return after;
  }

  /** What receivers of lineage and traces are told of new events. If it cannot be rendered, the run goes on. */
  private async telemetry(records: readonly Recorded[]): Promise<readonly Message[]> {
    const hasEnded = records.some(({ event }) => event.type === 'run-ended');
    const earlier = hasEnded ? await this.query((store) => store.history(this.lease.run)) : [];
    const history = hasEnded ? [...earlier, ...records] : [];
    try {
      const after = this.stateAfter(records);
      return (await this.ports.telemetry?.({ before: this.state, after, history })) ?? [];
    } catch (error) {
      this.ports.onUpdate({ kind: 'note', text: `lineage and traces miss a part: ${reasonOf(error)}` });
      return [];
    }
  }

  /**
   * The messages for the end of a run. If its state cannot be rendered they are short, because a run must be able to
   * end.
   */
  private messages(state: RunState): readonly Message[] {
    const { messages } = this.ports;
    const { run } = this.lease;
    try {
      return messages(run, state);
    } catch {
      const { pipeline, startedAt, ended } = state;
      return pipeline && ended
        ? messages(run, { ...emptyState(), pipeline, startedAt: startedAt ?? ended.at, ended })
        : [];
    }
  }

  private applyRecord(record: Parameters<typeof apply>[1]): void {
    apply(this.state, record);
    this.phases = phasesAfter(this.phases, record).open;
    this.seq = record.seq;
    this.lastAt = record.at;
    this.ports.onUpdate({ kind: 'event', record, state: this.state });
  }
}
