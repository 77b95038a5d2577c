import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Recorded } from '../../controller/domain/events.ts';
import type { Profile } from '../../controller/domain/profile.ts';
import { emptyState, fold } from '../../controller/domain/state.ts';
import { version } from '../../controller/lib/env.ts';
import type { LineageEvent } from '../../controller/telemetry/lineage.ts';
import type { OtlpTraces } from '../../controller/telemetry/otlp.ts';
import { traceOf } from '../../controller/telemetry/trace.ts';
import { folder } from '../pipeline/files.ts';
import { histories } from '../telemetry/histories.ts';
import { bodies, messagesOf, receivers, telemetry } from '../telemetry/told.ts';

const all = await histories();

describe('messages are bounded', () => {
  const history = all.succeeded ?? [];
  const changed = (type: string, change: (event: never) => object): Recorded[] =>
    history.map((record) =>
      record.event.type === type ? { ...record, event: change(record.event as never) as Recorded['event'] } : record,
    );
  const sizes = async (of: readonly Recorded[]): Promise<number[]> =>
    (await messagesOf(of)).map(({ body }) => Buffer.byteLength(JSON.stringify(body)));

  test('of a source with 10,000 files, which have no place in them', async () => {
    const files = Array.from({ length: 10_000 }, (_, i) => ({ path: `data/${i}.csv`, size: i, mtimeMs: i }));
    const big = changed('sources-measured', ({ profiles, ...event }: { profiles: Record<string, Profile> }) => ({
      ...event,
      profiles: { ...profiles, deliveries: { ...profiles.deliveries, pin: { kind: 'csv', files } } },
    }));
    expect(Math.max(...(await sizes(big)))).toBeLessThan(20_000);
  });

  test('of SQL of 1 MB, also of NUL and of halves of letters, which stores do not take', async () => {
    writeFileSync(join(folder, 'marts.sql'), `SELECT '\0${'😀'.repeat(250_000)}'`);
    const messages = await messagesOf(history);
    writeFileSync(join(folder, 'marts.sql'), 'SELECT 1');
    const sql = bodies<LineageEvent>(messages, 'catalog')[1]?.job.facets.sql as unknown as { query: string };
    expect(sql.query).toHaveLength(65_536);
    expect(sql.query).toMatch(/^[^\0\p{Cs}]*$/u);
  });

  test('of 2,000 sources with 200 columns, of which the facets are left out, and valid', async () => {
    const measures = (profiles: Record<string, Profile>) => (profiles.deliveries as Profile).measures;
    const names = Array.from({ length: 2000 }, (_, i) => `source_${i}`);
    const nulls = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`column_${i}`, i]));
    const wide = changed('sources-measured', ({ profiles, ...event }: { profiles: Record<string, Profile> }) => ({
      ...event,
      profiles: Object.fromEntries(
        names.map((name) => [name, { ...profiles.orders, measures: { ...measures(profiles), nulls } }]),
      ),
    })).map((record) => {
      const { event } = record;
      if (event.type !== 'run-started') return record;
      const { orders } = event.pipeline.sources;
      const sources = Object.fromEntries(names.map((name) => [name, { ...orders, table: name.repeat(40) }]));
      return { ...record, event: { ...event, pipeline: { ...event.pipeline, sources } } };
    }) as Recorded[];
    const messages = await messagesOf(wide);
    expect(Math.max(...messages.map(({ body }) => Buffer.byteLength(JSON.stringify(body))))).toBeLessThan(1 << 20);
    const { send, openlineage, otlp } = await receivers();
    for (const message of messages) await send(message);
    expect([...openlineage.refused, ...otlp.refused]).toEqual([]);
    const last = bodies<LineageEvent>(messages, 'catalog').at(-1);
    expect(last?.inputs.length).toBeGreaterThan(500);
    expect(last?.inputs[0]?.facets).toEqual({});
  });

  test('of a trace of 3,000 attempts with many events: in parts, of which each has a part of the spans', async () => {
    const from = history.findIndex(({ event }) => event.type === 'attempt-intended');
    const attempts = Array.from({ length: 3000 }, (_, i): Recorded[] => {
      const of = { step: 'marts', attempt: i + 1 };
      const waits = Array.from({ length: i === 7 ? 200 : 1 }, () => ({
        type: 'attempt-waiting',
        ...of,
        what: 'w'.repeat(900),
      }));
      return [
        { type: 'attempt-intended', ...of, key: 'k' },
        ...waits,
        {
          type: 'attempt-ended',
          ...of,
          state: 'failed',
          failure: { kind: 'lost', message: 'm'.repeat(900), lines: [] },
        },
      ].map((event) => ({ seq: 1, at: history[from]?.at ?? 0, event }) as Recorded);
    }).flat();
    const long = [...history.slice(0, from), ...attempts, ...history.slice(-1)];
    const parts = bodies<OtlpTraces>(
      await telemetry({ before: emptyState(), after: fold(long), history: long }),
      'collector',
    );
    expect(parts.length).toBeGreaterThan(5);
    const spans = parts.flatMap(({ resourceSpans: [of] }) => of?.scopeSpans[0]?.spans ?? []);
    const whole = traceOf(long, { project: 'shop-project', version }).resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
    expect(spans.map(({ spanId }) => spanId)).toEqual(whole.map(({ spanId }) => spanId));
    expect(spans.find(({ events }) => events.length === 128)).toMatchObject({ droppedEventsCount: 72 });
    for (const part of parts) expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThan(1 << 20);
  }, 120_000);
});
