import { Option } from 'commander';
import { auditOptions, server, tokenOptions, whole } from './options.ts';
import type { Add } from './trigger-commands.ts';

/** The commands about what needs a person, and about who may do what. */
export function addWatchCommands(add: Add): void {
  add(
    'alerts [action] [id]',
    'list what is wrong and needs a person; acknowledge it, so that it is not repeated',
    async () => (await import('./commands/watch/alerts.ts')).alerts,
    ['alerts', 'alerts --all --limit 50 --json', 'alerts acknowledge 7'],
    [
      new Option('--all', 'also those that have ended'),
      new Option('--limit <n>', 'how many').default(20).argParser(whole),
      server(),
    ],
  );
  add(
    'promises',
    'list what pipelines promise, how it stands, and how often it was kept within 30 days',
    async () => (await import('./commands/watch/promises.ts')).promises,
    ['promises', 'promises --pipeline customer-report --json'],
    [new Option('--pipeline <name>', 'only those of this pipeline'), server()],
  );
  add(
    'contract <file>',
    'print a pipeline as a data contract (ODCS 3.1): its views, checks and promises',
    async () => (await import('./commands/watch/contract.ts')).contract,
    ['contract conf/pipelines/customer-report.yaml > contract.odcs.yaml'],
  );
  add(
    'token <action> [name]',
    'create, list and revoke tokens of the API; a new one is printed once',
    async () => (await import('./commands/api/token.ts')).token,
    ['token create airflow --scope read runs:write --expires 90d', 'token list', 'token revoke 4fQ9sKxa'],
    tokenOptions(),
  );
  add(
    'audit',
    'list who changed what through the API, and the refused logins',
    async () => (await import('./commands/api/audit.ts')).audit,
    ['audit', 'audit --limit 100 --json'],
    auditOptions(),
  );
}
