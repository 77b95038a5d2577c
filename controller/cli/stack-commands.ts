import { defectOptions, rows, seed, server } from './options.ts';
import type { Add } from './trigger-commands.ts';

/** The commands about the local stack. */
export function addStackCommands(add: Add): void {
  add(
    'up',
    'start the local stack: Spark, Livy, Kafka, PostgreSQL and a mailbox',
    async () => (await import('./commands/up.ts')).up,
    ['up', 'up --json'],
  );
  add('down', 'stop the local stack; the data stays', async () => (await import('./commands/down.ts')).down, ['down']);
  add(
    'status',
    'show the services and their addresses',
    async () => (await import('./commands/status.ts')).status,
    ['status', 'status --json'],
    [server()],
  );
  add('doctor', 'check the prerequisites of this machine', async () => (await import('./commands/doctor.ts')).doctor, [
    'doctor',
  ]);
  add(
    'demo-data',
    'generate sample shop data: tables, CSV files and a topic',
    async () => (await import('./commands/demo-data.ts')).demoData,
    ['demo-data --rows 100000 --seed 7', 'demo-data --rows 1000000 --invalid 0.2'],
    [rows(), seed(), ...defectOptions()],
  );
  add(
    'demo',
    'start the stack, generate a million rows, run the customer report',
    async () => (await import('./commands/demo.ts')).demo,
    ['demo', 'demo --rows 100000'],
    [rows(), seed(), ...defectOptions()],
  );
}
