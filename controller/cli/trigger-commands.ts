import type { Option } from 'commander';
import { fireOptions, server, triggersOptions } from './options.ts';
import type { Output } from './view/output.ts';

/** The code of a command, called with its output and its arguments. */
export type Action = (output: Output, ...args: never[]) => Promise<number>;

export type Add = (
  usage: string,
  description: string,
  load: () => Promise<Action>,
  examples: readonly string[],
  options?: readonly Option[],
) => void;

/** The commands about triggers. */
export function addTriggerCommands(add: Add): void {
  add(
    'pipelines',
    'list the files of conf/pipelines/: versions, problems, and what the servers have of them',
    async () => (await import('./commands/triggers/pipelines.ts')).pipelines,
    ['pipelines', 'pipelines --json'],
  );
  add(
    'triggers [action] [pipeline] [trigger]',
    'list the triggers; show, pause, resume, skip or reset one',
    async () => (await import('./commands/triggers/triggers.ts')).triggers,
    [
      'triggers',
      'triggers show customer-report nightly',
      'triggers pause customer-report nightly --reason "vendor outage" --until 2h',
      'triggers resume customer-report nightly --catch-up',
      'triggers skip customer-report nightly',
    ],
    triggersOptions(),
  );
  add(
    'why <pipeline> <trigger> <instant>',
    'say why there was a run at an instant, or why there was none',
    async () => (await import('./commands/triggers/why.ts')).why,
    ['why customer-report nightly 2026-11-24T06:00', 'why customer-report nightly 2026-11-24T03:00:00Z --json'],
    [server()],
  );
  add(
    'fire <pipeline> <trigger>',
    'fire a trigger now, or for the instants of a range',
    async () => (await import('./commands/triggers/fire.ts')).fire,
    [
      'fire customer-report nightly',
      'fire customer-report nightly --from 2026-11-01 --to 2026-11-20 --dry-run',
      'fire customer-report nightly --from 2026-11-01 --only failed',
      'fire customer-report nightly --with day=2026-11-24',
    ],
    fireOptions(),
  );
}
