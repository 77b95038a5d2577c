import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { openStore } from '../../controller/app/open-store.ts';
import { loadProject } from '../../controller/config/project.ts';
import type { Recorded } from '../../controller/domain/events.ts';
import { showcaseFiles } from './files.ts';
import { enterMonth } from './history.ts';

/** A project with a month of history, for pictures of its pages. */
export interface Showcase {
  readonly folder: string;
  readonly home: string;
  /** Answers what waits for the service, so that its run goes on. */
  release(): void;
  remove(): Promise<void>;
}

const pipelines = ['customer-report', 'stock-levels', 'partner-export', 'payments-mart'] as const;

async function written(folder: string, url: string): Promise<void> {
  for (const [path, text] of Object.entries(showcaseFiles(url))) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Runs each pipeline once for real, in a project of its own, and returns the histories. */
async function realRuns(main: string, url: string, release: () => void): Promise<Map<string, Recorded[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-showcase-real-'));
  await written(folder, url);
  // Here the export is well, so that it can have been.
  const file = join(folder, 'conf/pipelines/partner-export.yaml');
  await writeFile(file, (showcaseFiles(url)['conf/pipelines/partner-export.yaml'] ?? '').replace('> 1000', '> 1'));
  const timer = setInterval(release, 200);
  try {
    for (const name of pipelines)
      await execa(process.execPath, [main, 'run', `conf/pipelines/${name}.yaml`], {
        ...{ cwd: folder, stdin: 'ignore', env: { SLUICE_HOME: join(folder, '.sluice') } },
      });
    const store = await openStore(await projectOf(folder));
    try {
      const histories = new Map<string, Recorded[]>();
      for (const name of pipelines) {
        const [last] = await store.list({ pipeline: name, limit: 1 });
        histories.set(name, last ? await store.history(last.run) : []);
      }
      return histories;
    } finally {
      await store.close();
    }
  } finally {
    clearInterval(timer);
    await rm(folder, { recursive: true, force: true });
  }
}

const projectOf = async (folder: string) => ({ ...(await loadProject(folder)), home: join(folder, '.sluice') });

/** Makes the project. `main` is the built program. */
export async function showcase(main: string): Promise<Showcase> {
  const waiting = new Set<ServerResponse>();
  const service = createServer((_, response) => {
    waiting.add(response);
    response.once('close', () => waiting.delete(response));
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`;
  const release = (): void => {
    for (const each of waiting) each.writeHead(200, { 'content-type': 'application/json' }).end('{"done":true}');
    waiting.clear();
  };
  const real = await realRuns(main, url, release);
  const folder = join(await mkdtemp(join(tmpdir(), 'sluice-showcase-')), 'shop');
  await written(folder, url);
  const project = await projectOf(folder);
  await mkdir(project.home, { recursive: true });
  const store = await openStore(project);
  try {
    await enterMonth(store, real);
    await store.trigger({ pipeline: 'stock-levels', trigger: 'hourly' });
    await store.pause({ pipeline: 'stock-levels', trigger: 'hourly' }, { by: 'anna', reason: 'vendor outage' });
  } finally {
    await store.close();
  }
  return {
    folder,
    home: project.home,
    release,
    async remove() {
      release();
      service.closeAllConnections();
      service.close();
      await rm(dirname(folder), { recursive: true, force: true });
    },
  };
}
