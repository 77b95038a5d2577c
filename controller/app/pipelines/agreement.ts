import type { Server, ServerInfo } from '../../domain/ports/servers.ts';
import type { WatchedPipeline } from './watched.ts';

/** What a server tells the others about its pipelines. */
export const servedOf = (pipelines: readonly WatchedPipeline[]): ServerInfo['pipelines'] =>
  Object.fromEntries(
    pipelines.map(({ name, version, file, problem }) => [
      name,
      { version, file, ...(problem !== undefined && { problem: problem.slice(0, 2000) }) },
    ]),
  );

/** Why a server does not fire the triggers of a pipeline. Undefined: it does. */
export interface Held {
  readonly reason: string;
  /** People must decide which content is right. */
  readonly isProblem: boolean;
}

/**
 * Whether a server fires the triggers of a pipeline, given what all servers have of it. The servers of the highest
 * release do, when they have the same content. Pure.
 */
export function heldBack(pipeline: string, me: Server, servers: readonly Server[]): Held | undefined {
  const others = servers.filter(({ owner }) => owner !== me.owner);
  const newer = others.find(({ info }) => byRelease(info, me.info) > 0);
  if (newer)
    return { reason: `release ${newer.info.release} is served, and this is ${me.info.release}`, isProblem: false };
  const mine = me.info.pipelines[pipeline]?.version;
  const different = others.find(({ info }) => {
    const theirs = info.pipelines[pipeline]?.version;
    return byRelease(info, me.info) === 0 && theirs !== undefined && theirs !== '' && theirs !== mine;
  });
  if (!different) return undefined;
  const theirs = different.info.pipelines[pipeline]?.version;
  const reason = `servers disagree about ${pipeline}: ${theirs} at ${different.owner}, ${mine} here; deploy the same files everywhere, or give the new ones a higher SLUICE_RELEASE`;
  return { reason, isProblem: true };
}

const versions = new Intl.Collator('en', { numeric: true });

/** Compares releases as versions: numbers by value, from left to right. */
const byRelease = (a: Pick<ServerInfo, 'release'>, b: Pick<ServerInfo, 'release'>): number =>
  versions.compare(a.release, b.release);
