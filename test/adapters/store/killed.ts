import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pathToFileURL } from 'node:url';
import { sqliteStore } from '../../../controller/adapters/store/sqlite/store.ts';
import type { RunEvent } from '../../../controller/domain/events.ts';

/** Appends to a new run in another process, which is killed meanwhile. Returns the number of acknowledged entries. */
export async function appendUntilKilled(file: string, run: string): Promise<number> {
  const writer = spawn(process.execPath, ['--import', 'tsx', import.meta.filename, file, run], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let lines = 0;
  const begun = new Promise<void>((resolve) => {
    writer.stdout.on('data', (data: Buffer) => {
      lines += String(data).split('\n').length - 1;
      resolve();
    });
  });
  const closed = once(writer, 'close');
  await Promise.race([begun, closed]);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
  writer.kill('SIGKILL');
  await closed;
  return lines;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , file = '', run = ''] = process.argv;
  const event: RunEvent = { type: 'cancel-requested', by: 'x'.repeat(500) };
  const store = await sqliteStore(file, { name: 'p' });
  const { lease } = await store.create({ run, pipeline: 'p', at: 1, events: [] });
  for (let seq = 0; ; seq += 2) {
    await store.append(lease, seq, 1, { events: [event, event] });
    process.stdout.write('acknowledged\n');
  }
}
