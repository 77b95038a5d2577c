import type { RunEvent } from '../domain/events.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { Cluster } from '../domain/plan.ts';
import type { Reviewed } from '../domain/profile.ts';
import type { RunState } from '../domain/state.ts';
import { foreseen, SluiceError } from '../lib/errors.ts';
import { makePlan } from '../planning/plan.ts';
import { GaveWay, type Journal, Moved } from './journal.ts';
import type { News, Ports } from './ports.ts';
import { profileAll } from './profile-all.ts';

/** A whole run is sized by what the cluster offers: a gateway that is away for a moment is worth waiting for. */
const capacityWithinMs = 5000;
/** How long the runs ahead in the queue are left alone between two looks. Milliseconds. */
const queuePause = 500;
/** How often a measuring is asked whether anybody still wants it. Milliseconds. */
const lookEvery = 1000;
/** Pauses between two tries to reach a source: the longer it is away, the longer, as all sources are measured again. */
const sourcePause = (waitedMs: number): number => Math.min(15_000, Math.max(1000, waitedMs / 2));

/** What the engine does before the first step: waits in the queue, measures the sources, makes the plan. */
export class Measuring {
  private readonly journal: Journal;
  private readonly ports: Ports;
  private readonly hold: () => Promise<void>;

  constructor(journal: Journal, ports: Ports, hold: () => Promise<void>) {
    this.journal = journal;
    this.ports = ports;
    this.hold = hold;
  }

  private get state(): RunState {
    return this.journal.state;
  }

  /** Measures the sources, unless earlier runs of the pipeline come first. */
  async measure(): Promise<number> {
    const { probe, now } = this.ports;
    const { pipeline, given, waiting } = this.state;
    if (!pipeline || !(await this.admitted())) return queuePause;
    await this.hold();
    try {
      const { profiles, findings } = given ?? (await this.unlessOver(this.measured(pipeline)));
      // Nothing of the sources is needed any more when all their rows are kept.
      if (Object.values(profiles).every(({ pin }) => pin.kept)) await probe.close();
      const reached = waiting ? [{ type: 'sources-reached', waitedMs: now() - waiting.since } as const] : [];
      await this.journal.note([...reached, { type: 'sources-measured', profiles, findings }]);
      return 0;
    } catch (thrown) {
      const error = foreseen(thrown);
      if (!(error instanceof SluiceError) || error.kind === 'rejected') {
        await this.fail('profiling failed', error);
        return 0;
      }
      await probe.close().catch(() => undefined);
      if (!waiting) await this.note({ type: 'sources-waiting', what: withHint(error) });
      return sourcePause(now() - (waiting?.since ?? now()));
    }
  }

  private async measured(pipeline: Pipeline): Promise<Reviewed> {
    const { probe, review, told } = this.ports;
    const last = await this.journal.ask((store) => store.lastProfiles(pipeline.name));
    const measured: News[] = [];
    // What was told at the first try is not told at each of those that follow.
    const tell = this.state.waiting ? (news: News): void => void measured.push(news) : told;
    const profiles = await profileAll(probe, pipeline, { profiles: last, ...this.state.again }, (source, profile, ms) =>
      tell({ kind: 'measured', source, profile, ms }),
    );
    measured.forEach(told);
    return review(pipeline, profiles);
  }

  /** Waits for what a source may never answer, for as long as the run is this controller's and is not to be cancelled. */
  private async unlessOver<T>(work: Promise<T>): Promise<T> {
    const done = new AbortController();
    const over = async (): Promise<never> => {
      for (;;) {
        await this.ports.sleep(lookEvery, done.signal);
        if (done.signal.aborted || this.state.cancelRequested !== undefined) throw new Moved();
        await this.hold().catch((error: unknown) => {
          if (error instanceof GaveWay) throw error;
        });
      }
    };
    return Promise.race([work, over()]).finally(() => done.abort());
  }

  /** Runs of one pipeline follow its policy. Only earlier ones count, so that no two wait for each other. */
  private async admitted(): Promise<boolean> {
    const { run = '', pipeline, queuedBehind } = this.state;
    const policy = pipeline?.concurrency ?? 'parallel';
    if (policy === 'parallel') return true;
    const behind = await this.journal.ask((store) => store.activeBefore(run));
    if (behind.length === 0) {
      if (queuedBehind) await this.note({ type: 'queue-left' });
      return true;
    }
    if (policy === 'skip') {
      const reason = `run ${behind[0]} of this pipeline is in progress`;
      await this.note({ type: 'run-ended', state: 'skipped', reason });
      return false;
    }
    if (policy === 'replace') {
      const event = { type: 'cancel-requested', by: `run ${run}, which replaces it` } as const;
      if (!queuedBehind)
        for (const earlier of behind)
          await this.journal.ask((store) => store.request(earlier, this.ports.now(), event));
    }
    if (!queuedBehind) await this.note({ type: 'queued', behind });
    return false;
  }

  async plan(): Promise<void> {
    const { pipeline, profiles, findings = {}, measuredAt = 0, given } = this.state;
    if (!pipeline || !profiles) return;
    try {
      const plan = given?.plan ?? makePlan(pipeline, { profiles, findings }, await clusterOf(this.ports), measuredAt);
      await this.note({ type: 'planned', plan });
    } catch (error) {
      await this.fail('planning failed', error);
    }
  }

  /** Ends a run before its first step: with the error's own words and kind. */
  private async fail(what: string, error: unknown): Promise<void> {
    if (!(error instanceof SluiceError)) throw error;
    const reason = `${what}: ${withHint(error)}`;
    await this.note({ type: 'run-ended', state: 'failed', reason, errorKind: error.kind });
  }

  private async note(event: RunEvent): Promise<void> {
    await this.journal.note([event]);
  }
}

const withHint = ({ message, hint }: SluiceError): string => (hint === undefined ? message : `${message} (${hint})`);

/** What a backend offers now; of one that does not tell within some seconds, a modest guess that says why it is one. */
export async function clusterOf({ backend, now, sleep }: Pick<Ports, 'backend' | 'now' | 'sleep'>): Promise<Cluster> {
  for (const until = now() + capacityWithinMs; ; await sleep(1000)) {
    try {
      return await backend.capacity();
    } catch (error) {
      if (!(error instanceof SluiceError) || error.kind === 'rejected') throw error;
      if (now() >= until) return { cores: 2, largestMb: 2560, assumed: error.message };
    }
  }
}
