import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** The programs of Prometheus. */
export interface Prometheus {
  readonly promtool: string;
  readonly prometheus: string;
  readonly alertmanager: string;
}

/** Where packages are unpacked, once for all tests of a machine. */
const cache = join(tmpdir(), 'sluice-prometheus');

/**
 * Prometheus and Alertmanager as they are installed, or else unpacked from the packages of Debian; undefined on a machine
 * that has neither.
 */
export async function prometheusPrograms(): Promise<Prometheus | undefined> {
  const installed = programsIn('/usr/bin');
  if (installed) return installed;
  const folder = join(cache, 'root', 'usr', 'bin');
  const there = programsIn(folder);
  if (there) return there;
  mkdirSync(cache, { recursive: true });
  try {
    await execa('apt-get', ['download', 'prometheus', 'prometheus-alertmanager'], { cwd: cache });
    await execa('sh', ['-c', 'for each in *.deb; do dpkg-deb -x "$each" root; done'], { cwd: cache });
  } catch {
    return undefined;
  }
  return programsIn(folder);
}

function programsIn(folder: string): Prometheus | undefined {
  const [promtool = '', prometheus = '', alertmanager = ''] = ['promtool', 'prometheus', 'prometheus-alertmanager'].map(
    (name) => join(folder, name),
  );
  return [promtool, prometheus, alertmanager].every(existsSync) ? { promtool, prometheus, alertmanager } : undefined;
}
