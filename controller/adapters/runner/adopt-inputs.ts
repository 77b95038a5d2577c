import type { Profiles } from '../../domain/plan.ts';
import type { Storage, Uri } from '../../domain/ports/storage.ts';
import type { Profile } from '../../domain/profile.ts';
import { rejected } from '../../lib/errors.ts';
import { below } from '../../lib/uri.ts';

/**
 * Copies the snapshots and quarantines that profiles name from the folder of one run to that of another. Returns the
 * profiles with the copies; undefined when a file is gone.
 */
export async function adoptInputs(
  storage: Storage,
  { from, to }: { readonly from: Uri; readonly to: Uri },
  profiles: Profiles,
): Promise<Profiles | undefined> {
  const copies = new Map<Uri, Uri>();
  const copied = (uri: Uri): Uri => {
    const copy = below(to, relativeIn(from, uri));
    copies.set(uri, copy);
    return copy;
  };
  const adopted = Object.entries(profiles).map(([name, profile]) => [name, withFiles(profile, copied)]);
  for (const [uri, copy] of copies) if (!(await copyOnce(storage, uri, copy))) return undefined;
  return Object.fromEntries(adopted);
}

/** False when the object is gone. A crash can leave a part of a copy, which is replaced. */
async function copyOnce(storage: Storage, uri: Uri, copy: Uri): Promise<boolean> {
  const [theirs, ours] = await Promise.all([storage.stat(uri), storage.stat(copy)]);
  if (!theirs || ours?.size === theirs.size) return theirs !== undefined;
  try {
    await storage.copy(uri, copy);
    return true;
  } catch (error) {
    // It was removed meanwhile.
    if (await storage.stat(uri)) throw error;
    return false;
  }
}

/** The place of a run's snapshot or quarantine in its folder. The history is data: other files are refused. */
function relativeIn(folder: Uri, uri: Uri): string {
  const path = uri.startsWith(`${folder}/`) ? uri.slice(folder.length + 1) : '';
  if (/^(inputs|quarantine)\/(?!\.)[^/]+$/.test(path)) return path;
  throw rejected(`${uri} is no input of the run in ${folder}`);
}

/** A profile with other places of its files. */
function withFiles(
  { pin: { kept, log, ...pin }, quarantine, ...profile }: Profile,
  placed: (uri: Uri) => Uri,
): Profile {
  return {
    ...profile,
    pin: {
      ...pin,
      ...(kept && { kept: { ...kept, paths: kept.paths.map(placed) } }),
      ...(log && { log: { ...log, paths: log.paths.map(placed) } }),
    },
    ...(quarantine !== undefined && { quarantine: placed(quarantine) }),
  } as Profile;
}
