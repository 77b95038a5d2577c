import { server } from './options.ts';
import type { Add } from './trigger-commands.ts';

/** The commands that look at a run beside others, and hand it to other tools. */
export function addTelemetryCommands(add: Add): void {
  add(
    'normal [run]',
    'compare a run with the runs of its pipeline before it: rows, invalid rows, duplicates, age, duration (default: the latest)',
    async () => (await import('./commands/telemetry/normal.ts')).normal,
    ['normal', 'normal 20261123-0412 --json'],
    [server()],
  );
  add(
    'lineage [run]',
    'print the lineage of a run and of its steps as events of OpenLineage (default: the latest)',
    async () => (await import('./commands/telemetry/export.ts')).lineage,
    ['lineage', "lineage 20261123-0412 | jq -c '.events[]'"],
    [server()],
  );
  add(
    'trace [run]',
    'print the trace of a run as a collector takes it by OTLP (default: the latest)',
    async () => (await import('./commands/telemetry/export.ts')).trace,
    ['trace', 'trace 20261123-0412 | curl -d @- -H "content-type: application/json" http://127.0.0.1:4318/v1/traces'],
    [server()],
  );
}
