import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pause, project } from './world.ts';

const folder = join((await project()).home, 'standby');

/** The conf/connections.yaml of a project whose Spark steps find a driver that stands ready. */
export const withStandby = (conf: string): string => conf.replace(/^spark: \{\}/m, 'spark: { standby: 1 }');

/** Whether a driver that stands ready, or did, has this file in its folder. */
export const hasFile = (name: string, file: string): boolean => existsSync(join(folder, name, file));

const standbys = async (): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => name !== 'keys');

/** Waits until a driver stands ready. Returns its name. */
export async function standingReady(): Promise<string> {
  for (let i = 0; i < 600; i++, await pause(200)) {
    const name = (await standbys()).find((each) => hasFile(each, 'ready') && !hasFile(each, 'job'));
    if (name !== undefined) return name;
  }
  throw new Error('no driver stands ready');
}

/** Sends the drivers without a job away. */
export async function sendAway(): Promise<void> {
  for (const name of await standbys()) if (!hasFile(name, 'job')) await writeFile(join(folder, name, 'job'), '{}');
}
