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
const unpacked = join(cache, 'root', 'usr');

/**
 * Prometheus and Alertmanager as they are installed, or else unpacked from the packages of Debian; undefined on a machine
 * that has neither.
 */
export async function prometheusPrograms(): Promise<Prometheus | undefined> {
  const installed = programsIn('/usr/bin');
  if (installed) return installed;
  const folder = join(unpacked, 'bin');
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

/**
 * The command of Alertmanager; undefined where it cannot run. Debian's reads its templates in /usr/share: one that is
 * unpacked has a view of its own of that folder.
 */
export async function alertmanagerCommand({ alertmanager }: Prometheus): Promise<readonly string[] | undefined> {
  if (existsSync('/usr/share/prometheus/alertmanager/default.tmpl')) return [alertmanager];
  const view = [
    'unshare',
    '--user',
    '--map-root-user',
    '--mount',
    'sh',
    '-c',
    'mount --bind "$0" /usr/share && exec "$@"',
  ];
  const command = [...view, join(unpacked, 'share'), alertmanager];
  const { exitCode } = await execa(command[0] ?? '', [...command.slice(1), '--version'], { reject: false });
  return exitCode === 0 ? command : undefined;
}
