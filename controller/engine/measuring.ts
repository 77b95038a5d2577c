import type { Cause, ReusedInputs, RunEvent } from '../domain/events.ts';
import type { Pipeline } from '../domain/pipeline.ts';
import type { Cluster, Plan } from '../domain/plan.ts';
import type { CheckedProfiles } from '../domain/profile.ts';
import type { RunState } from '../domain/state.ts';
import { explainDiskError, SluiceError } from '../lib/errors.ts';
import { makePlan } from '../planning/plan.ts';
import { ConcurrencyConflictError, type Journal, LeaseLostError } from './journal.ts';
import type { Ports, RunUpdate } from './ports.ts';
import { profileSources } from './profile-sources.ts';
import { readPast } from './read-past.ts';
import { reuse } from './reuse.ts';

/** How long planning waits for an unavailable gateway: the cluster's resources size the whole run. Milliseconds. */
const capacityTimeoutMs = 5000;
/** Poll interval of a queued run. Milliseconds. */
const queuePollMs = 500;
/** How often a measurement checks for cancellation and for a lost lease. Milliseconds. */
const cancelPollMs = 1000;
/**
 * The pause before the next attempt to reach a source. It grows with the outage, because all sources are measured
 * again.
 */
const sourceRetryDelayMs = (waitedMs: number): number => Math.min(15_000, Math.max(1000, waitedMs / 2));

/** What a run measures, or takes over. */
interface Inputs extends CheckedProfiles {
  readonly inputs?: ReusedInputs;
  readonly steps?: readonly RunEvent[];
}

/** The work before the first step: waits in the queue, measures the sources, makes the plan. */
export class Measuring {
  private readonly journal: Journal;
  private readonly ports: Ports;
  private readonly assertLease: () => Promise<void>;

  constructor(journal: Journal, ports: Ports, assertLease: () => Promise<void>) {
    this.journal = journal;
    this.ports = ports;
    this.assertLease = assertLease;
  }

  private get state(): RunState {
    return this.journal.state;
  }

  /** Measures the sources, unless earlier runs of the pipeline must end first. */
  async measure(): Promise<number> {
    const { sourceReader, now } = this.ports;
    const { pipeline, waiting } = this.state;
    if (!pipeline || !(await this.isAdmitted())) return queuePollMs;
    await this.assertLease();
    if (!this.state.isBeingMeasured) await this.append({ type: 'measuring' });
    try {
      const { profiles, findings, past, inputs, steps = [] } = await this.untilCancelled(this.inputs(pipeline));
      // With snapshots, the sources themselves are no longer needed.
      if (Object.values(profiles).every(({ pin }) => pin.kept)) await sourceReader.close();
      const reached = waiting ? [{ type: 'sources-reached', waitedMs: now() - waiting.since } as const] : [];
      const found = { profiles, findings, ...(past && { past }), ...(inputs && { inputs }) };
      await this.journal.append([...reached, { type: 'sources-measured', ...found }, ...steps]);
      return 0;
    } catch (thrown) {
      const error = explainDiskError(thrown);
      if (!(error instanceof SluiceError) || error.kind === 'rejected') {
        await this.fail('profiling failed', error);
        return 0;
      }
      await sourceReader.close().catch(() => undefined);
      if (!waiting) await this.append({ type: 'sources-waiting', what: withHint(error) });
      return sourceRetryDelayMs(now() - (waiting?.since ?? now()));
    }
  }

  /** The measures of a saved plan, of the run that this one repeats, or of the sources as they are now. */
  private async inputs(pipeline: Pipeline): Promise<Inputs> {
    const { given } = this.state;
    if (given) return given;
    const reused = await reuse(this.journal, this.ports, pipeline);
    const past = await this.past(pipeline);
    const found = reused?.found ?? (await this.profileAndCheck(pipeline));
    return { ...found, ...past, ...(reused && { inputs: reused.inputs }) };
  }

  private past(pipeline: Pipeline): Promise<Pick<CheckedProfiles, 'past'>> {
    const { run, again } = this.state;
    return this.journal.query((store) => readPast(store, pipeline, { run, isFullRefresh: again !== undefined }));
  }

  private async profileAndCheck(pipeline: Pipeline): Promise<CheckedProfiles> {
    const { sourceReader, checkRows, onUpdate } = this.ports;
    const last = await this.journal.query((store) => store.lastProfiles(pipeline.name));
    const held: RunUpdate[] = [];
    // Updates of the first attempt are not repeated by retries.
    const emit = this.state.waiting ? (update: RunUpdate): void => void held.push(update) : onUpdate;
    const { cause, triggered = [], startedAt = this.ports.now() } = this.state;
    const profiles = await profileSources(
      sourceReader,
      pipeline,
      { profiles: last, ...this.state.again },
      (source, profile, ms) => emit({ kind: 'measured', source, profile, ms }),
      [cause, ...triggered],
      startedAt,
    );
    held.forEach(onUpdate);
    return checkRows(pipeline, profiles);
  }

  /** Waits for a source until the run is cancelled or the lease is lost. */
  private async untilCancelled<T>(work: Promise<T>): Promise<T> {
    const done = new AbortController();
    const over = async (): Promise<never> => {
      for (;;) {
        await this.ports.sleep(cancelPollMs, done.signal);
        if (done.signal.aborted || this.state.cancelRequested !== undefined) throw new ConcurrencyConflictError();
        await this.assertLease().catch((error: unknown) => {
          if (error instanceof LeaseLostError) throw error;
        });
      }
    };
    return Promise.race([work, over()]).finally(() => done.abort());
  }

  /**
   * Applies the concurrency policy of the pipeline. Only earlier runs count, so that no two runs wait for each other.
   */
  private async isAdmitted(): Promise<boolean> {
    const { run = '', pipeline, queuedBehind } = this.state;
    const policy = pipeline?.concurrency ?? 'parallel';
    if (policy === 'parallel') return true;
    const behind = await this.journal.query((store) => store.activeBefore(run));
    if (behind.length === 0) {
      if (queuedBehind) await this.append({ type: 'queue-left' });
      return true;
    }
    if (policy === 'skip') {
      const reason = `run ${behind[0]} of this pipeline is in progress`;
      await this.append({ type: 'run-ended', state: 'skipped', reason });
      return false;
    }
    if (policy === 'replace') {
      const event = { type: 'cancel-requested', by: `run ${run}, which replaces it` } as const;
      if (!queuedBehind)
        for (const earlier of behind)
          await this.journal.query((store) => store.request(earlier, this.ports.now(), event));
    }
    if (!queuedBehind) await this.append({ type: 'queued', behind });
    return false;
  }

  async plan(): Promise<void> {
    const { pipeline, profiles, findings = {}, past, measuredAt = 0, given, cause } = this.state;
    if (!pipeline || !profiles) return;
    try {
      const checked = { profiles, findings, ...(past && { past }) };
      const plan = given?.plan ?? (await planned(this.ports, pipeline, checked, measuredAt, cause));
      await this.append({ type: 'planned', plan });
    } catch (error) {
      await this.fail('planning failed', error);
    }
  }

  /** Ends a run before its first step, with the message and kind of the error. */
  private async fail(what: string, error: unknown): Promise<void> {
    if (!(error instanceof SluiceError)) throw error;
    const reason = `${what}: ${withHint(error)}`;
    await this.append({ type: 'run-ended', state: 'failed', reason, errorKind: error.kind });
  }

  private async append(event: RunEvent): Promise<void> {
    await this.journal.append([event]);
  }
}

const withHint = ({ message, hint }: SluiceError): string => (hint === undefined ? message : `${message} (${hint})`);

/** Makes the plan: with the resources of the cluster, or of this machine when no step runs on Spark. */
export async function planned(
  ports: Pick<Ports, 'backend' | 'engines' | 'now' | 'sleep'>,
  pipeline: Pipeline,
  checked: CheckedProfiles,
  now: number,
  cause?: Cause,
): Promise<Plan> {
  const engines = await ports.engines?.(pipeline, checked.profiles);
  const jobs = Object.entries(pipeline.steps).filter(([, step]) => step.spark);
  const isEmbedded = engines && jobs.every(([name]) => engines.steps[name]?.asked === 'embedded');
  return makePlan(pipeline, checked, isEmbedded ? engines.machine : await clusterOf(ports), now, engines, cause);
}

/** The resources of a backend. If it does not respond within some seconds, a modest assumption with the reason. */
export async function clusterOf({ backend, now, sleep }: Pick<Ports, 'backend' | 'now' | 'sleep'>): Promise<Cluster> {
  for (const until = now() + capacityTimeoutMs; ; await sleep(1000)) {
    try {
      return await backend.capacity();
    } catch (error) {
      if (!(error instanceof SluiceError) || error.kind === 'rejected') throw error;
      if (now() >= until) return { cores: 2, largestMb: 2560, assumed: error.message };
    }
  }
}
