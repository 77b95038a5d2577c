import { expect, test } from 'vitest';
import { withListener } from '../../../controller/adapters/runner/listener.ts';
import { connectionsSchema } from '../../../controller/config/connections.ts';

const place = { pipeline: 'shop', run: 'r1', step: 'marts' };
const project = (spark: object) => ({ name: 'acme', connections: connectionsSchema().parse({ spark }) });
const lineage = { jar: 'local:/opt/listener.jar', url: 'http://marquez:5000' };

test('without a word in conf/, an application has no listener', () => {
  expect(withListener({ a: '1' }, project({}), place)).toEqual({ a: '1' });
});

test('the listener is added to what a pipeline loads, and is told its step and its run', () => {
  const conf = withListener({ 'spark.jars': 'own.jar', 'spark.extraListeners': 'Own' }, project({ lineage }), place);
  expect(conf).toMatchObject({
    'spark.jars': 'own.jar,local:/opt/listener.jar',
    'spark.extraListeners': 'Own,io.openlineage.spark.agent.OpenLineageSparkListener',
    'spark.openlineage.appName': 'shop.marts',
    'spark.openlineage.transport.url': 'http://marquez:5000',
    'spark.openlineage.rootParentJobName': 'shop',
  });
  expect(conf['spark.openlineage.parentRunId']).not.toBe(conf['spark.openlineage.rootParentRunId']);
  // Every attempt of a step belongs to the same step.
  expect(withListener({}, project({ lineage }), place)['spark.openlineage.parentRunId']).toBe(
    conf['spark.openlineage.parentRunId'],
  );
});

test('a URL with a secret is refused, as is a driver that would have to know its run before it has one', () => {
  for (const url of ['http://me:secret@host', 'http://host/?key=secret', 'http://host/#secret', 'file:///etc', 'host'])
    expect(connectionsSchema().safeParse({ spark: { lineage: { ...lineage, url } } }).success, url).toBe(false);
  const both = connectionsSchema().safeParse({ spark: { lineage, standby: 1 } });
  expect(both.error?.issues).toMatchObject([
    { path: ['spark', 'standby'], message: expect.stringContaining('either') },
  ]);
});
