import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { lineageDocument, lineageSchema } from '../../controller/app/views/telemetry.ts';
import type { Project } from '../../controller/config/project.ts';
import type { Recorded } from '../../controller/domain/events.ts';
import type { LineageEvent } from '../../controller/telemetry/lineage.ts';
import { folder } from '../pipeline/files.ts';
import { histories } from './histories.ts';
import { adapters, facetsIn, lineageProblems, project } from './world.ts';

const lineage = async (history: readonly Recorded[]): Promise<readonly LineageEvent[]> =>
  (await lineageDocument(adapters, history)).events;
const all = await histories();

test.each(Object.entries(all))('the lineage of a run that was %s is valid, each thing once', async (_name, history) => {
  const events = await lineage(history);
  expect(events.length).toBeGreaterThan(0);
  for (const event of events) {
    expect(lineageProblems(event)).toEqual([]);
    expect(facetsIn(event).length).toBeGreaterThan(2);
  }
  for (const id of new Set(events.map(({ run }) => run.runId))) {
    const of = events.filter(({ run }) => run.runId === id);
    expect(of[0]?.eventType).toBe('START');
    expect(of.slice(1).filter(({ eventType }) => eventType === 'START')).toEqual([]);
    expect(of.length).toBeLessThan(3);
  }
  const times = events.map(({ eventTime }) => eventTime);
  expect(times.toSorted()).toEqual(times);
  expect(await lineage(history)).toEqual(events);
  expect(lineageSchema.parse({ run: 'r1', events })).toEqual({ run: 'r1', events });
  expect(JSON.stringify(events)).not.toContain('canary');
});

const told = (events: readonly LineageEvent[]): string[] =>
  events.map(
    ({ eventType, job: { name }, inputs, outputs }) => `${eventType} ${name} ${inputs.length}>${outputs.length}`,
  );

describe('what is told', () => {
  test.each([
    ['succeeded', ['START shop 2>0', 'START shop.marts 2>0', 'COMPLETE shop.marts 2>1', 'COMPLETE shop 2>1']],
    ['failed', ['START shop 2>0', 'START shop.marts 2>0', 'FAIL shop.marts 2>0', 'FAIL shop 2>0']],
    ['retried', ['START shop 2>0', 'START shop.marts 2>0', 'COMPLETE shop.marts 2>1', 'COMPLETE shop 2>1']],
    ['cancelled', ['START shop 2>0', 'START shop.marts 2>0', 'ABORT shop.marts 2>0', 'ABORT shop 2>0']],
    ['skipped', ['START shop 2>0', 'COMPLETE shop 2>0']],
    ['refused', ['START shop 2>0', 'FAIL shop 2>0']],
    ['inputs lost', ['START shop 2>0', 'START shop.marts 2>0', 'COMPLETE shop.marts 2>1', 'COMPLETE shop 2>1']],
    ['unfinished', ['START shop 2>0', 'START shop.marts 2>0']],
  ])('of a run that was %s', async (name, expected) => {
    expect(told(await lineage(all[name] ?? []))).toEqual(expected);
  });

  test('of a fallback: both steps, and the run is complete', async () => {
    const events = await lineage(all.degraded ?? []);
    expect(told(events)).toEqual([
      'START shop 2>0',
      'START shop.marts 2>0',
      'START shop.poorer 2>0',
      'COMPLETE shop.marts 2>0',
      'COMPLETE shop.poorer 2>0',
      'COMPLETE shop 2>0',
    ]);
  });

  test('with the facets of a run, its parent, its data and its checks', async () => {
    const [start, step, stepEnd, end] = (await lineage(all.succeeded ?? [])) as [
      LineageEvent,
      LineageEvent,
      LineageEvent,
      LineageEvent,
    ];
    expect(start.job).toMatchObject({
      namespace: 'shop-project',
      name: 'shop',
      facets: { jobType: { jobType: 'PIPELINE' } },
    });
    expect(start.run.facets.nominalTime).toMatchObject({ nominalStartTime: '2026-11-24T03:00:00.000Z' });
    expect(step.run.facets.parent).toMatchObject({
      run: { runId: start.run.runId },
      job: { namespace: 'shop-project', name: 'shop' },
      root: { run: { runId: start.run.runId } },
    });
    expect(step.job.facets.sql).toMatchObject({ query: expect.stringContaining('TEMP VIEW marts'), dialect: 'spark' });
    expect(end.inputs.map(({ namespace, name }) => [namespace, name])).toEqual([
      ['file', `${folder}/data/*.csv`],
      ['postgres://db.example.org:5433', 'shop.public.orders'],
    ]);
    const [deliveries, orders] = end.inputs;
    expect(deliveries?.inputFacets).toMatchObject({
      dataQualityMetrics: { rowCount: 1000, columnMetrics: { status: { nullCount: 3 } } },
      dataQualityAssertions: {
        assertions: [{ name: 'arrived', success: true, severity: 'error', content: 'deliveries.rows > 0' }],
      },
    });
    expect(deliveries?.facets.schema).toMatchObject({
      fields: expect.arrayContaining([{ name: 'status', type: 'string', ordinal_position: 3 }]),
    });
    expect(orders?.facets.schema).toMatchObject({
      fields: [{ name: 'order_id', type: 'bigint', ordinal_position: 1 }],
    });
    expect(orders?.inputFacets).not.toHaveProperty('dataQualityAssertions');
    expect(stepEnd.inputs[0]?.inputFacets).toMatchObject({ inputStatistics: { rowCount: 1000, size: 50_000 } });
    expect(stepEnd.outputs).toMatchObject([
      {
        ...{ namespace: 'file', name: `${folder}/out/marts` },
        facets: { version: { datasetVersion: 'sluice-r1-marts-1' } },
        outputFacets: { outputStatistics: { rowCount: 7 } },
      },
    ]);
    const tags = { tags: expect.arrayContaining([{ key: 'branch', value: 'light', source: 'SLUICE' }]) };
    expect(end.run.facets.tags).toMatchObject(tags);
  });

  test('with the error, a failed check, and the attempts', async () => {
    const failed = await lineage(all.failed ?? []);
    expect(failed[2]?.run.facets).toMatchObject({
      errorMessage: { message: 'Livy says dead' },
      tags: { tags: expect.arrayContaining([{ key: 'attempts', value: '3', source: 'SLUICE' }]) },
    });
    const refused = (await lineage(all.refused ?? [])).at(-1);
    expect(refused?.run.facets.errorMessage).toMatchObject({
      message: expect.stringContaining('check "arrived" failed'),
    });
    expect(refused?.inputs[0]?.inputFacets?.dataQualityAssertions).toMatchObject({
      assertions: [{ success: false, actual: 'deliveries.rows = 0' }],
    });
  });

  test('without what has started the run, which not all may see', async () => {
    const cause = {
      kind: 'webhook',
      trigger: 'hook',
      facts: { body: { name: 'canary-body' } },
      with: { who: 'canary-with' },
    };
    const [first, ...rest] = all.succeeded ?? [];
    const started = first?.event as Extract<Recorded['event'], { type: 'run-started' }>;
    const pipeline = { ...started.pipeline, triggers: { hook: { webhook: {}, with: { who: '' } } } };
    const event = { ...started, cause, pipeline };
    writeFileSync(join(folder, 'marts.sql'), 'CREATE OR REPLACE TEMP VIEW marts AS SELECT who FROM trigger');
    const events = await lineage([{ ...(first as Recorded), event }, ...rest]);
    expect(events[1]?.job.facets.sql).toMatchObject({ query: expect.stringContaining('FROM trigger') });
    expect(JSON.stringify(events)).not.toContain('canary');
  });

  test('with names of the project, when conf/ no longer has the connection', async () => {
    const other = { ...project, connections: { ...project.connections, postgres: { shop: { url: 'nonsense' } } } };
    const { events } = await lineageDocument(
      { ...adapters, context: { ...adapters.context, project: other as unknown as Project } },
      all.succeeded ?? [],
    );
    expect(events[0]?.inputs[1]).toMatchObject({ namespace: 'shop-project', name: 'shop.orders' });
  });
});
