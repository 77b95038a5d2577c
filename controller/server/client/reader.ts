import type { RunReader } from '../../app/resolve-run.ts';
import { type ComparedDocument, comparedDocument } from '../../app/views/compared.ts';
import type { RunLine } from '../../app/views/documents.ts';
import { logLines } from '../../app/views/log.ts';
import { lineageDocument } from '../../app/views/telemetry.ts';
import { adaptersOf, backendsOf, openProject, withStore } from '../../app/wiring.ts';
import type { Recorded } from '../../domain/events.ts';
import type { RunSummary } from '../../domain/ports/store.ts';
import { fold } from '../../domain/state.ts';
import type { AttemptState } from '../../domain/step-state.ts';
import { serverToken, version } from '../../lib/env.ts';
import { rejected } from '../../lib/errors.ts';
import { traceOf } from '../../telemetry/trace.ts';
import { historyCalls } from '../routes/history.ts';
import { logCalls } from '../routes/logs.ts';
import { runCalls } from '../routes/runs.ts';
import { telemetryCalls } from '../routes/telemetry.ts';
import { call, type ServerAddress, statusOf } from './client.ts';

/** What commands read: of the store of this project, or of a server. */
export interface Reader extends RunReader {
  /** The end of the log of an attempt. */
  lines(run: string, step: string, attempt: AttemptState): Promise<readonly string[]>;
  /** A run beside the runs before it. */
  compared(run: string): Promise<ComparedDocument>;
  /** The lineage and the trace of a run, for other tools. */
  lineage(run: string): Promise<unknown>;
  trace(run: string): Promise<unknown>;
}

/** The server that a command names, with the token of the environment. */
export function serverAt(url: string): ServerAddress {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol) || new URL(url).username !== '')
    throw rejected(`${JSON.stringify(url)} is no address of a server`, 'write it as http://127.0.0.1:8811');
  return { url, token: serverToken };
}

/** Reads from the server of this URL, or without one from the store of this project. */
export async function withReader<T>(server: string | undefined, work: (reader: Reader) => Promise<T>): Promise<T> {
  if (server !== undefined) return work(remoteReader(serverAt(server)));
  const project = await openProject();
  return withStore(project, (store) =>
    work({
      find: (run) => store.find(run),
      list: (filter) => store.list(filter),
      history: (run, after) => store.history(run, after),
      messages: (run) => store.messages(run),
      lines: async (_run, _step, attempt) => logLines(await backendsOf(project), attempt),
      compared: async (run) => comparedDocument(store, fold(await store.history(run))),
      lineage: async (run) => lineageDocument(adaptersOf(project), await store.history(run)),
      trace: async (run) => traceOf(await store.history(run), { project: project.name, version }),
    }),
  );
}

const summaryOf = ({ started, ended, ...rest }: RunLine): RunSummary => {
  const { branch, reason, quality, rows, coreSeconds, trigger } = rest;
  return {
    ...rest,
    branch: branch ?? undefined,
    reason: reason ?? undefined,
    trigger: trigger ?? undefined,
    quality: quality ?? undefined,
    rows: rows ?? undefined,
    coreSeconds: coreSeconds ?? undefined,
    started: Date.parse(started ?? ''),
    ended: ended === null ? undefined : Date.parse(ended),
  };
};

/** The most runs and events of a page. */
const most = { runs: 200, events: 1000 };

function remoteReader(server: ServerAddress): Reader {
  return {
    async find(run) {
      try {
        const found = await call(server, runCalls.getRun, { params: { run } });
        return summaryOf({ ...found, trigger: found.cause?.trigger ?? null });
      } catch (error) {
        if (statusOf(error) === 404) return undefined;
        throw error;
      }
    },

    async list({ pipeline, trigger, branch, states, before, limit }) {
      const found: RunSummary[] = [];
      const filter = {
        ...(pipeline !== undefined && { pipeline }),
        ...(trigger !== undefined && { trigger }),
        ...(branch !== undefined && { branch }),
        ...(states && { state: [...states] }),
        ...(before !== undefined && { before }),
      };
      for (let after: string | undefined; found.length < limit; ) {
        const query = { ...filter, limit: Math.min(most.runs, limit - found.length), ...(after && { after }) };
        const { items, next } = await call(server, runCalls.listRuns, { query });
        found.push(...items.map(summaryOf));
        if (next === null) break;
        after = next;
      }
      return found;
    },

    async history(run, afterSeq = 0) {
      const found: Recorded[] = [];
      for (let after: number | null = afterSeq; after !== null; ) {
        const page: { items: readonly { seq: number; at: string; event: unknown }[]; next: number | null } = await call(
          server,
          historyCalls.getEvents,
          { params: { run }, query: { after, limit: most.events } },
        );
        found.push(...page.items.map(({ seq, at, event }) => ({ seq, at: Date.parse(at), event: event as never })));
        after = page.next;
      }
      return found;
    },

    async messages(run) {
      const { messages } = await call(server, runCalls.getMessages, { params: { run } });
      return messages.map(({ note, ...rest }) => ({ ...rest, note }));
    },

    async lines(run, step, { number }) {
      return (await call(server, logCalls.getLog, { params: { run, step, attempt: number } })).lines;
    },

    compared: (run) => call(server, telemetryCalls.getCompared, { params: { run } }) as Promise<ComparedDocument>,
    lineage: (run) => call(server, telemetryCalls.getLineage, { params: { run } }),
    trace: (run) => call(server, telemetryCalls.getTrace, { params: { run } }),
  };
}
