import { makePlan } from '../decide/plan.ts';
import { reasonOf, SluiceError } from '../errors.ts';
import type { Pipeline } from '../pipeline/schema.ts';
import { profileAll } from '../profile/all.ts';
import type { Reviewed } from '../profile/port.ts';
import type { Lease } from '../store/port.ts';
import { Attempts } from './attempts.ts';
import type { RunEvent } from './events.ts';
import { Journal, Moved, StoreAway } from './journal.ts';
import { type Action, decide } from './machine.ts';
import type { Ports } from './ports.ts';
import type { RunState } from './state.ts';

/** Pauses between two tries to reach a store that is away: doubling. Milliseconds. */
const storePause = { first: 200, longest: 2000 };
/** How long the runs ahead in the queue are left alone between two looks. */
const queuePause = 500;

/** One run and the right to drive it. `hold` throws when that right is lost; nothing is done outside before it was asked. */
export class Engine {
  readonly run: string;
  private readonly journal: Journal;
  private readonly attempts: Attempts;
  private readonly ports: Ports;
  private readonly hold: () => Promise<void>;
  private takenOver: { readonly by: string; readonly from: string } | undefined;
  private waitMs = 0;
  private alarm: () => void = () => undefined;

  /** `takenOver` when another controller drove the run before. */
  constructor(
    number: number,
    lease: Lease,
    ports: Ports,
    hold: () => Promise<void> = async () => undefined,
    takenOver?: { readonly by: string; readonly from: string },
  ) {
    this.run = lease.run;
    this.takenOver = takenOver;
    this.ports = ports;
    this.hold = hold;
    this.journal = new Journal(lease, ports);
    this.attempts = new Attempts(this.journal, ports, number, hold, () => this.wake());
  }

  /** The number of the last event that this engine knows. */
  get seq(): number {
    return this.journal.seq;
  }

  get state(): RunState {
    return this.journal.state;
  }

  /** Ends the pause between two turns; with `news`, the history has grown and is read again first. */
  wake(news = false): void {
    if (news) this.journal.stale = true;
    this.alarm();
  }

  /** Drives the run to its end and returns its state. Waits for a store that is away. Throws GaveWay when the run is another's. */
  async drive(): Promise<RunState> {
    for (let tries = 0; ; ) {
      try {
        if (await this.turn()) return this.state;
        tries = 0;
      } catch (error) {
        // Somebody else has noted something just now; the next turn reads it first.
        if (error instanceof Moved) continue;
        if (!(error instanceof StoreAway)) throw error;
        this.waitMs = Math.min(storePause.longest, storePause.first * 2 ** tries);
        tries += 1;
      }
      await this.pause();
    }
  }

  /** One turn: take in what others have noted, decide, act. True when the run has ended. */
  async turn(): Promise<boolean> {
    const { journal, ports } = this;
    await this.hold();
    await journal.catchUp();
    if (this.takenOver && !journal.state.ended) {
      await this.note({ type: 'taken-over', ...this.takenOver });
      this.takenOver = undefined;
    }
    const actions = decide(journal.state, ports.now());
    const done = await Promise.allSettled(actions.map((action) => this.act(action)));
    const thrown = done.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    // An entry that came too late is decided upon anew; whatever else went wrong is for `drive`, the store's absence last.
    const wrong = thrown.filter((error) => !(error instanceof Moved));
    if (wrong.length > 0) throw wrong.find((error) => !(error instanceof StoreAway)) ?? wrong[0];
    const waits = done.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [0]));
    this.waitMs = waits.length === 0 ? 500 : Math.min(...waits);
    return journal.state.ended !== undefined;
  }

  private async pause(): Promise<void> {
    if (this.waitMs <= 0) return;
    await Promise.race([
      this.ports.sleep(this.waitMs),
      new Promise<void>((resolve) => {
        this.alarm = resolve;
      }),
    ]);
  }

  /** Does one action and returns the milliseconds after which it makes sense to look again. */
  private async act(action: Action): Promise<number> {
    const { now } = this.ports;
    switch (action.do) {
      case 'measure':
        return this.measure();
      case 'plan':
        await this.plan();
        return 0;
      case 'measure-again':
        await this.note({ type: 'inputs-lost', reason: action.reason });
        return 0;
      case 'wait':
        return Math.min(1000, Math.max(0, action.until - now()));
      case 'retry': {
        const { do: _, ...retry } = action;
        await this.note({ type: 'retry-scheduled', ...retry });
        return 0;
      }
      case 'fall-back':
        await this.note({ type: 'fallback-chosen', step: action.step, to: action.to, reason: action.reason });
        return 0;
      case 'end-step':
        await this.attempts.endStep(action.step, action.state, action.reason);
        return 0;
      case 'report':
        await this.report();
        return 0;
      case 'end':
        await this.note({ type: 'run-ended', state: action.state, reason: action.reason });
        return 0;
      case 'publish':
        return this.attempts.publish(action.step, action.attempt);
      default:
        return this.attempts.act(action);
    }
  }

  /** Measures the sources, unless earlier runs of the pipeline come first. */
  private async measure(): Promise<number> {
    const { probe } = this.ports;
    const { pipeline, given } = this.state;
    if (!pipeline || !(await this.admitted())) return queuePause;
    await this.hold();
    try {
      const { profiles, findings } = given ?? (await this.measured(pipeline));
      // Nothing of the sources is needed any more when all their rows are kept.
      if (Object.values(profiles).every(({ pin }) => pin.kept)) await probe.close();
      await this.note({ type: 'sources-measured', profiles, findings });
    } catch (error) {
      await this.fail('the sources could not be measured', error);
    }
    return 0;
  }

  private async measured(pipeline: Pipeline): Promise<Reviewed> {
    const { probe, review, told } = this.ports;
    const last = await this.journal.ask((store) => store.lastProfiles(pipeline.name));
    const profiles = await profileAll(probe, pipeline, { profiles: last, ...this.state.again }, (source, profile, ms) =>
      told({ kind: 'measured', source, profile, ms }),
    );
    return review(pipeline, profiles);
  }

  /** Runs of one pipeline follow its policy. Only earlier ones count, so that no two wait for each other. */
  private async admitted(): Promise<boolean> {
    const { pipeline, queuedBehind } = this.state;
    const policy = pipeline?.concurrency ?? 'parallel';
    if (policy === 'parallel') return true;
    const behind = await this.journal.ask((store) => store.ahead(this.run));
    if (behind.length === 0) return true;
    if (policy === 'skip') {
      const reason = `run ${behind[0]} of this pipeline is under way`;
      await this.note({ type: 'run-ended', state: 'skipped', reason });
      return false;
    }
    if (policy === 'replace') {
      const event = { type: 'cancel-requested', by: `run ${this.run}, which replaces it` } as const;
      if (!queuedBehind)
        for (const run of behind) await this.journal.ask((store) => store.request(run, this.ports.now(), event));
    }
    if (!queuedBehind) await this.note({ type: 'queued', behind });
    return false;
  }

  private async plan(): Promise<void> {
    const { pipeline, profiles, findings = {}, measuredAt = 0, given } = this.state;
    if (!pipeline || !profiles) return;
    try {
      const plan = given?.plan ?? makePlan(pipeline, { profiles, findings }, await this.ports.cluster(), measuredAt);
      await this.note({ type: 'planned', plan });
    } catch (error) {
      await this.fail('no plan could be made', error);
    }
  }

  /** Ends a run before its first step: with the error's own words and exit code. */
  private async fail(what: string, error: unknown): Promise<void> {
    if (!(error instanceof SluiceError)) throw error;
    const hint = error.hint === undefined ? '' : ` (${error.hint})`;
    const exitCode = error.kind === 'rejected' ? 2 : 3;
    await this.note({ type: 'run-ended', state: 'failed', reason: `${what}: ${error.message}${hint}`, exitCode });
  }

  private async report(): Promise<void> {
    try {
      await this.note({ type: 'report-written', ...(await this.ports.report(this.run, this.state)) });
    } catch (error) {
      if (error instanceof StoreAway || error instanceof Moved) throw error;
      // The results are published; a report that cannot be drawn is told of, and fails nothing.
      await this.note({ type: 'report-failed', reason: reasonOf(error) });
    }
  }

  private async note(event: RunEvent): Promise<void> {
    await this.journal.note([event]);
  }
}
