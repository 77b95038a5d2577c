import { describe, expect, test } from 'vitest';
import { traceSchema } from '../../controller/app/views/telemetry.ts';
import type { Recorded } from '../../controller/domain/events.ts';
import { lineageIdOf, spanIdOf, tracedBy, traceParentOf, traceparentFor } from '../../controller/telemetry/ids.ts';
import type { OtlpSpan } from '../../controller/telemetry/otlp.ts';
import { traceOf } from '../../controller/telemetry/trace.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';
import { histories, parent } from './histories.ts';

const all = await histories();
const trace = (history: readonly Recorded[] = []) => traceOf(history, { project: 'shop', version: '1.2.3' });
const spansOf = (history: readonly Recorded[] = []): readonly OtlpSpan[] =>
  trace(history).resourceSpans[0]?.scopeSpans[0]?.spans ?? [];
const names = (history: readonly Recorded[] = []): string[] => spansOf(history).map(({ name }) => name);
const named = (history: readonly Recorded[] | undefined, name: string): OtlpSpan =>
  spansOf(history).find((span) => span.name === name) as OtlpSpan;
const values = ({ attributes }: Pick<OtlpSpan, 'attributes'>): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

test.each(Object.entries(all))(
  'the trace of a run that was %s has the form of OTLP, and is a tree',
  (_name, history) => {
    const document = trace(history);
    expect(traceSchema.parse(document)).toEqual(document);
    const spans = spansOf(history);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    expect(byId.size).toBe(spans.length);
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined || !byId.has(parentSpanId));
    expect(roots.map(({ name }) => name)).toEqual(['run shop']);
    for (const span of spans) {
      const [from, to] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
      expect(from <= to).toBe(true);
      const above = byId.get(span.parentSpanId ?? '');
      if (!above) continue;
      expect(BigInt(above.startTimeUnixNano) <= from, span.name).toBe(true);
      expect(to <= BigInt(above.endTimeUnixNano), span.name).toBe(true);
      for (const { timeUnixNano } of span.events)
        expect(from <= BigInt(timeUnixNano) && BigInt(timeUnixNano) <= to, span.name).toBe(true);
    }
    expect(trace(history)).toEqual(document);
    expect([BigInt(roots[0]?.startTimeUnixNano ?? 0), BigInt(roots[0]?.endTimeUnixNano ?? 0)]).toEqual(
      [history[0], history.at(-1)].map((record) => BigInt(Math.round(record?.at ?? 0)) * 1_000_000n),
    );
  },
);

describe('the spans', () => {
  test('of a run that succeeded, each in the one that it belongs to', () => {
    const spans = spansOf(all.succeeded);
    const above = ({ parentSpanId }: OtlpSpan) => spans.find(({ spanId }) => spanId === parentSpanId)?.name;
    expect(spans.map((span) => [span.name, above(span)])).toEqual([
      ['run shop', undefined],
      ['measure', 'run shop'],
      ['measure deliveries', 'measure'],
      ['measure orders', 'measure'],
      ['plan', 'run shop'],
      ['step marts', 'run shop'],
      ['step marts attempt 1', 'step marts'],
      ['publish marts', 'step marts'],
    ]);
    const run = named(all.succeeded, 'run shop');
    expect(run.status).toEqual({ code: 0 });
    expect(values(run)).toMatchObject({ 'sluice.run': 'r1', 'sluice.trigger': 'nightly', 'sluice.state': 'succeeded' });
    expect(values(named(all.succeeded, 'measure deliveries'))).toMatchObject({ 'sluice.rows': '1000' });
    expect(values(named(all.succeeded, 'plan'))).toMatchObject({ 'sluice.branch': 'light', 'sluice.verdict': 'go' });
    expect(values(named(all.succeeded, 'publish marts'))).toMatchObject({ 'sluice.rows': '7' });
    const attempt = named(all.succeeded, 'step marts attempt 1');
    expect(attempt.events.map(({ name }) => name)).toEqual(['attempt-submitted', 'application-found']);
  });

  test('of retries: each attempt, and the failed ones are errors', () => {
    const attempts = spansOf(all.retried).filter(({ name }) => name.includes('attempt'));
    expect(attempts.map(({ name, status }) => [name, status.code])).toEqual([
      ['step marts attempt 1', 2],
      ['step marts attempt 2', 2],
      ['step marts attempt 3', 0],
    ]);
    expect(attempts[0]?.status.message).toBe('Livy says dead');
    expect(named(all.retried, 'step marts').status.code).toBe(0);
    expect(named(all.failed, 'step marts').status.code).toBe(2);
    expect(named(all.failed, 'run shop').status.message).toContain('Livy says dead');
  });

  test('of a cancelled, a refused and a skipped run', () => {
    expect(named(all.cancelled, 'run shop').status.code).toBe(2);
    expect(named(all.cancelled, 'step marts attempt 1').status.message).toBe('cancelled');
    expect(named(all.cancelled, 'run shop').events).toMatchObject([{ name: 'cancel-requested' }]);
    expect(named(all.refused, 'plan').status.message).toContain('check "arrived" failed');
    expect(names(all.skipped)).not.toContain('step marts');
    expect(named(all.skipped, 'run shop').status.code).toBe(0);
  });

  test('of inputs that were lost: measured and planned twice', () => {
    expect(names(all['inputs lost']).filter((name) => name === 'measure')).toHaveLength(2);
    expect(names(all['inputs lost']).filter((name) => name === 'plan')).toHaveLength(2);
    expect(names(all['inputs lost']).filter((name) => name === 'step marts')).toHaveLength(2);
  });

  test('of a history of earlier versions, a publication that failed, and a report', async () => {
    const pipeline = await load(good);
    const at = (time: number, event: object) => ({ seq: 1, at: time, event }) as Recorded;
    const history = [
      at(1000, { type: 'run-started', run: 'r1', pipeline, file: 'f' }),
      at(3000, { type: 'sources-measured', profiles: { orders: profile() }, findings: {} }),
      at(3100, { type: 'attempt-intended', step: 'marts', attempt: 1, key: 'k' }),
      at(3500, { type: 'attempt-ended', step: 'marts', attempt: 1, state: 'succeeded' }),
      at(4000, { type: 'step-ended', step: 'marts', state: 'failed', reason: 'audit: rows differ' }),
      at(5000, { type: 'report-written', file: 'f', url: 'u', figures: [] }),
      at(6000, { type: 'run-ended', state: 'failed', reason: 'audit' }),
    ];
    const times = (name: string) => {
      const { startTimeUnixNano, endTimeUnixNano, status } = named(history, name);
      return [Number(startTimeUnixNano) / 1e6, Number(endTimeUnixNano) / 1e6, status.message];
    };
    expect(times('measure orders')).toEqual([1000, 3000, undefined]);
    expect(times('publish marts')).toEqual([3500, 4000, 'audit: rows differ']);
    expect(times('report')).toEqual([4000, 5000, undefined]);
  });

  test('that have not ended say so', () => {
    const open = spansOf(all.unfinished).filter((span) => values(span)['sluice.unfinished'] === true);
    expect(open.map(({ name }) => name)).toEqual(['run shop', 'step marts', 'step marts attempt 1']);
  });
});

describe('the place in another trace', () => {
  test('is that of the request that started the run', () => {
    const run = named(all.traced, 'run shop');
    expect(run.traceId).toBe('4bf92f3577b34da6a3ce929d0e0e4736');
    expect(run.parentSpanId).toBe('00f067aa0ba902b7');
    expect(named(all.succeeded, 'run shop')).not.toHaveProperty('parentSpanId');
  });

  test('of what an attempt calls is the attempt', () => {
    const { spanId, traceId } = named(all.traced, 'step marts attempt 1');
    const cause = { kind: 'api', traceparent: parent };
    expect(traceparentFor('r1', cause, 'marts', 1)).toBe(`00-${traceId}-${spanId}-01`);
    expect(traceparentFor('r1', { kind: 'api' }, 'marts', 1)).toBeUndefined();
  });

  test.each([
    ['nothing', null],
    ['another text', 'abc'],
    ['a trace of zeros', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
    ['a span of zeros', `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`],
    ['upper case', parent.toUpperCase()],
    ['the forbidden version', parent.replace(/^00/, 'ff')],
    ['more than version 00 has', `${parent}-more`],
    ['a line break', `${parent}\n${parent}`],
  ])('is not taken from %s', (_what, header) => {
    expect(traceParentOf(header)).toBeUndefined();
    expect(tracedBy(header)).toEqual({});
  });

  test('is taken from a later version, without what that adds', () => {
    expect(tracedBy(`01-${parent.slice(3)}-more`)).toEqual({ traceparent: parent });
  });
});

test('ids are those of their standards, and always the same', () => {
  expect(lineageIdOf('shop', 'r1')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(lineageIdOf('shop', 'r1')).toBe(lineageIdOf('shop', 'r1'));
  expect(lineageIdOf('shop', 'r1')).not.toBe(lineageIdOf('shop', 'r2'));
  expect(spanIdOf('r1', 'run')).not.toBe(spanIdOf('r2', 'run'));
});
