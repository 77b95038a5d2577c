import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { forMs, limits } from '../../controller/app/alerts/conditions.ts';
import { alertKinds } from '../../controller/domain/alerts.ts';
import { milliseconds } from '../../controller/lib/duration.ts';
import { finished, world } from '../server/world.ts';
import { exportedFamilies } from './exported.ts';
import { prometheusPrograms } from './prometheus.ts';
import { alerts } from './provoked.ts';

const conf = new URL('../../conf/monitoring/', import.meta.url);
const rulesFile = new URL('sluice.rules.yml', conf).pathname;
interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
}
const rules: readonly Rule[] = parse(readFileSync(rulesFile, 'utf8')).groups.flatMap(({ rules: all }: never) => all);
const dashboard = JSON.parse(readFileSync(new URL('grafana-dashboard.json', conf), 'utf8'));
const programs = await prometheusPrograms();
if (!programs)
  process.stdout.write('skipped: rules in promtool, as there are neither Prometheus nor packages of Debian\n');
const folder = mkdtempSync(join(tmpdir(), 'sluice-rules-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function promtool(...args: string[]): Promise<string> {
  const { all, exitCode } = await execa(programs?.promtool ?? '', args, { all: true, reject: false });
  return exitCode === 0 ? '' : all;
}

/** What Prometheus alone can judge. */
const outside = ['NoController', 'StoreAway'];
const severityOf = (name: string): string =>
  rules.find(({ alert }) => alert === `Sluice${name}`)?.labels?.severity ?? '';

describe('the rules for Prometheus', () => {
  test('are the alerts that Sluice judges by itself: the same names, severities, limits and times', () => {
    // Which runs are unusual is no metric.
    const { RunUnusual: _, ...kinds } = alertKinds;
    const own = Object.entries(kinds).map(([name, severity]) => {
      const ms = forMs[name as keyof typeof alertKinds];
      return [`Sluice${name}`, severity, ms ?? 0];
    });
    const others = outside.map((name) => [`Sluice${name}`, 'critical', expect.any(Number)]);
    const there = rules.flatMap((rule) =>
      rule.alert === undefined
        ? []
        : [[rule.alert, rule.labels?.severity, rule.for === undefined ? 0 : milliseconds(rule.for)]],
    );
    expect(there).toEqual([...own, ...others]);
    const limitOf = (name: string) =>
      Number(/> ([\d.]+)/.exec(rules.find(({ alert }) => alert === `Sluice${name}`)?.expr ?? '')?.[1]);
    expect({
      overdue: limitOf('ScheduleLate'),
      queue: limitOf('QueueStuck'),
      outbox: limitOf('OutboxStuck'),
      retries: limitOf('RetriesBurning'),
      invalid: limitOf('QuarantineHigh'),
    }).toEqual(limits);
    expect(alerts.map(([name]) => `Sluice${name}`)).toEqual(there.map(([name]) => name));
  });

  test.skipIf(!programs)('begin and end once with two servers, each by promtool', async () => {
    // Good for 5 minutes, bad for 30, good again; a counter stays where it is, and its increase ends after an hour.
    const series = ([, of, good, bad]: (typeof alerts)[number], instance: string) => {
      const isCounter = of.includes('_total');
      const name = of.includes('{') ? of.replace('{', `{instance="${instance}",`) : `${of}{instance="${instance}"}`;
      return { series: name, values: `${good}x9 ${bad}x59 ${isCounter ? bad : good}x180` };
    };
    const at = (eval_time: string, alert: (typeof alerts)[number], isThere: boolean) => ({
      ...{ eval_time, alertname: `Sluice${alert[0]}` },
      exp_alerts: isThere
        ? [{ exp_labels: { severity: severityOf(alert[0]), ...alert[4] }, exp_annotations: { summary: alert[5] } }]
        : [],
    });
    const tests = alerts.map((alert) => ({
      ...{ name: alert[0], interval: '30s', input_series: ['a', 'b'].map((instance) => series(alert, instance)) },
      alert_rule_test: [at('4m', alert, false), at('30m', alert, true), at('110m', alert, false)],
    }));
    const gone = alerts.filter(([name]) => name === 'NoController');
    const absent = {
      name: 'none tells anything',
      interval: '30s',
      input_series: [],
      alert_rule_test: gone.map((each) => at('3m', each, true)),
    };
    const paused = {
      ...{ name: 'a paused trigger owes nothing', interval: '30s' },
      input_series: [
        { series: 'sluice_trigger_overdue_seconds{instance="a",pipeline="p",trigger="t"}', values: '900x60' },
        { series: 'sluice_trigger_paused{instance="b",pipeline="p",trigger="t"}', values: '1x60' },
      ],
      alert_rule_test: alerts.filter(([name]) => name === 'ScheduleLate').map((each) => at('20m', each, false)),
    };
    const file = join(folder, 'test.yml');
    writeFileSync(
      file,
      JSON.stringify({ rule_files: [rulesFile], evaluation_interval: '30s', tests: [...tests, absent, paused] }),
    );
    expect(await promtool('test', 'rules', file)).toBe('');
    // The test can fail.
    const wrong = {
      ...tests[0],
      alert_rule_test: [{ eval_time: '30m', alertname: 'SluiceRunFailed', exp_alerts: [] }],
    };
    writeFileSync(file, JSON.stringify({ rule_files: [rulesFile], evaluation_interval: '30s', tests: [wrong] }));
    expect(await promtool('test', 'rules', file)).toContain('SluiceRunFailed');
  });

  test.skipIf(!programs)('and all expressions of the dashboard are of PromQL', async () => {
    expect(await promtool('check', 'rules', rulesFile)).toBe('');
    const file = join(folder, 'dashboard.yml');
    const all = expressions.map((expr, i) => ({ record: `dashboard:${i}`, expr }));
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: all }] }));
    expect(all.length).toBeGreaterThanOrEqual(12);
    expect(await promtool('check', 'rules', file)).toBe('');
  });

  test.skipIf(!programs)('read metrics that promtool finds nothing wrong with', async () => {
    const { get, run } = await world();
    await run('alpha', finished.events, finished.entry);
    await get('/metrics');
    const text = await (await get('/metrics')).text();
    const check = (input: string) =>
      execa(programs?.promtool ?? '', ['check', 'metrics'], { input, all: true, reject: false });
    expect((await check(text)).all).toBe('');
    expect(text).toContain('sluice_run_seconds_bucket');
    expect((await check(`${text}# TYPE sluice_broken counter\nsluice_broken 1\n`)).all).toContain('sluice_broken');
  });

  test('and the dashboard use metrics that are exported, or recorded', async () => {
    const families = await exportedFamilies();
    const names = new Set([
      ...families.flatMap(({ name, type }) => (type === 'histogram' ? [`${name}_bucket`] : [name])),
      ...rules.flatMap(({ record }) => record ?? []),
    ]);
    const used = [...rules.map(({ expr }) => expr), ...expressions].flatMap(
      (expr) => expr.match(/\b(?:sluice[_:]|process_|nodejs_)\w+(?::\w+)*/g) ?? [],
    );
    expect(used.length).toBeGreaterThan(20);
    expect([...new Set(used)].filter((name) => !names.has(name))).toEqual([]);
  });
});

interface Panel {
  readonly targets?: readonly { readonly expr: string }[];
}
/** The expressions of the dashboard, with its variables filled in. */
const expressions: readonly string[] = (dashboard.panels as readonly Panel[])
  .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  .map((expr) => expr.replaceAll('$pipeline', '.*').replaceAll('$__rate_interval', '5m'));
