import { request } from '../../../clients/http.ts';
import { splitLogin } from '../../../config/login.ts';
import type { Cluster } from '../../../domain/plan.ts';
import type { Progress } from '../../../domain/ports/backend.ts';
import { SluiceError } from '../../../lib/errors.ts';
import { masterSchema, type Stage, stagesSchema } from './answers.ts';
import { coalesce } from './coalesce.ts';

/** An application as the standalone master lists it. */
export interface Application {
  readonly id: string;
  readonly name: string;
  /** WAITING, RUNNING, FINISHED, FAILED, KILLED, UNKNOWN. */
  readonly state: string;
  readonly active: boolean;
}

/** The cores and free cores of each living worker, and the memory of the largest worker. */
export interface Capacity {
  readonly cores: readonly number[];
  readonly freeCores: readonly number[];
  readonly memoryMb: number;
}

/** The JSON and form pages of a Spark standalone master, and the UI of a running driver through its proxy. */
export interface SparkMaster {
  /** The application of this name; an active one is preferred. Cached for a moment unless `force`. */
  application(name: string, force?: boolean): Promise<Application | undefined>;
  /** The latest stage of a running application; undefined until its driver shows one. */
  progress(applicationId: string): Promise<Progress | undefined>;
  kill(applicationId: string): Promise<void>;
  capacity(): Promise<Capacity>;
  uiOf(applicationId: string): string;
}

/** Callers within this time share one page of the master. Milliseconds. */
const cacheMs = 100;
/**
 * Delay before the first progress request to an application. That request makes its driver load a web service, which
 * costs about one core-second; short jobs should not pay for it. Milliseconds.
 */
const progressDelayMs = 6000;

/**
 * `address`: the URL of the master's page, with a login (`http://user:password@host:8080`) where the master requires
 * one.
 */
export function sparkMaster(address: string): SparkMaster {
  const { url, headers } = splitLogin(address);
  const page = async () => {
    const answer = await request(`${url}/json/`, { headers });
    const body = masterSchema.safeParse(answer.body);
    if (answer.status !== 200 || !body.success) {
      throw new SluiceError(`the Spark master at ${url} answered ${answer.status}, not its JSON page`, {
        kind: 'unavailable',
      });
    }
    return body.data;
  };
  /** When progress was first requested, by running application. */
  const asked = new Map<string, number>();
  // Observers share one page. Killing an application always needs a new one.
  const recent = coalesce(page, cacheMs);
  return {
    async application(name, force = false) {
      const { activeapps, completedapps } = await (force ? page() : recent());
      for (const id of asked.keys()) if (!activeapps.some((app) => app.id === id)) asked.delete(id);
      const active = activeapps.find((app) => app.name === name);
      const found = active ?? completedapps.find((app) => app.name === name);
      return found && { id: found.id, name, state: found.state, active: active !== undefined };
    },
    async progress(applicationId) {
      const now = performance.now();
      const since = asked.get(applicationId) ?? now;
      asked.set(applicationId, since);
      if (now - since < progressDelayMs) return undefined;
      const answer = await request(`${url}/proxy/${applicationId}/api/v1/applications/${applicationId}/stages`, {
        headers,
      });
      const { success, data: stages } = stagesSchema.safeParse(answer.body);
      if (answer.status !== 200 || !success) return undefined;
      const active = stages.filter((stage) => stage.status === 'ACTIVE');
      const shown = (active.length > 0 ? active : stages).reduce<Stage | undefined>(
        (latest, stage) => (latest === undefined || stage.stageId > latest.stageId ? stage : latest),
        undefined,
      );
      return (
        shown && {
          stage: `stage ${shown.stageId} (${shown.name.split(' at ')[0]?.slice(0, 100)})`,
          tasksDone: shown.numCompleteTasks,
          tasks: shown.numTasks,
        }
      );
    },
    async kill(applicationId) {
      await request(`${url}/app/kill/`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ id: applicationId, terminate: 'true' }).toString(),
      });
    },
    async capacity() {
      const alive = (await page()).workers.filter((worker) => worker.state === 'ALIVE');
      return {
        cores: alive.map((worker) => worker.cores),
        freeCores: alive.map((worker) => worker.coresfree),
        memoryMb: Math.max(0, ...alive.map((worker) => worker.memory)),
      };
    },
    uiOf: (applicationId) => `${url}/proxy/${applicationId}/`,
  };
}

/**
 * The free capacity of the cluster; the total capacity while no core is free. Throws `unavailable` when no worker is
 * alive.
 */
export async function capacityOf(master: SparkMaster): Promise<Cluster> {
  const { cores, freeCores, memoryMb: largestMb } = await master.capacity();
  const total = (all: readonly number[]): number => all.reduce((sum, own) => sum + own, 0);
  if (total(cores) === 0) throw new SluiceError('no worker is alive', { kind: 'unavailable' });
  const busy = total(freeCores) === 0;
  const workers = (busy ? cores : freeCores).filter((own) => own > 0);
  return { cores: total(workers), workers, largestCores: Math.max(...cores), largestMb, ...(busy ? { busy } : {}) };
}
