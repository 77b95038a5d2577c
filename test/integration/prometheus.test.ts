import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, expect, test } from 'vitest';
import { alertmanagerCommand, prometheusPrograms } from '../monitoring/prometheus.ts';
import { Monitoring, type Notified } from '../monitoring/running.ts';
import { scaled } from '../monitoring/scaled.ts';
import { freePort } from '../ports.ts';
import { type Case, Monitored } from './monitored.ts';
import { Servers, seeded, until } from './servers.ts';
import { project, start } from './world.ts';

/** Every rule for Prometheus, provoked on real servers that are killed, by a real Prometheus and Alertmanager. */

const programs = await prometheusPrograms();
const alertmanager = programs && (await alertmanagerCommand(programs));
if (!programs)
  process.stdout.write('skipped: rules provoked for real, as there are neither Prometheus nor packages of Debian\n');
else if (!alertmanager)
  process.stdout.write('skipped: rules provoked for real, as Alertmanager cannot be run without being installed\n');
const rulesFile = new URL('../../conf/monitoring/sluice.rules.yml', import.meta.url);
/** A minute takes a second. */
const haste = { times: 60, windows: 30, carried: 12 };
const patienceMs = 180_000;
const random = seeded(7);

const { endpoints } = await project();
const portOf = (url: string): number => Number(new URL(url).port);
const world = new Monitored({ postgres: portOf(endpoints.postgres), livy: portOf(endpoints.livy) });
const monitoring = alertmanager && new Monitoring({ prometheus: programs.prometheus, alertmanager });
const servers: Servers[] = [];
afterAll(async () => {
  await Promise.allSettled(servers.map((each) => each.stop()));
  await monitoring?.close();
  await world.close();
});

const keyOf = ({ alert, labels }: Pick<Case, 'alert' | 'labels'>): string =>
  `${alert} ${Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(' ')}`;
/** What a case is told apart by: labels beyond these follow from the rule. */
const telling = ['pipeline', 'trigger', 'channel', 'source', 'gateway', 'promise'];
const caseOf = ({ labels }: Notified): string =>
  keyOf({
    alert: labels.alertname?.replace(/^Sluice/, '') ?? '',
    labels: Object.fromEntries(telling.flatMap((label) => (label in labels ? [[label, labels[label] ?? '']] : []))),
  });

test.skipIf(!monitoring)(
  'each rule begins once and ends once, though servers and Prometheus are killed',
  async () => {
    if (!monitoring) return;
    await world.open();
    const made = await start(
      ['token', 'create', 'prometheus', '--scope', 'read', '--json'],
      world.env,
      world.folders[0],
    );
    const { token } = JSON.parse(String(made.stdout)) as { token: string };
    const targets: string[] = [];
    for (const folder of world.folders) {
      const target = `127.0.0.1:${await freePort()}`;
      targets.push(target);
      servers.push(new Servers(folder, ['--runs', '0', '--bind', target], world.env));
    }
    await Promise.all(servers.map((each) => each.start(0)));
    const { yaml, alerts } = scaled(readFileSync(rulesFile, 'utf8'), haste);
    await monitoring.open({ targets, token, rules: yaml });
    const told = (of: Pick<Case, 'alert' | 'labels'>): string[] =>
      monitoring.notified.filter((each) => caseOf(each) === keyOf(of)).map(({ status }) => status);
    const all = async (cases: readonly Pick<Case, 'alert' | 'labels'>[], status: Notified['status']): Promise<void> => {
      await until(async () => cases.every((each) => told(each).includes(status)), patienceMs).catch(() => {
        const missing = cases.filter((each) => !told(each).includes(status)).map(keyOf);
        throw new Error(`not ${status}: ${missing.join('; ')}`);
      });
    };
    const kill = (): Promise<void> => (servers[random() < 0.5 ? 0 : 1] as Servers).killed(0);

    // Counters begin before what they count.
    await until(async () => (await monitoring.value('count(up == 1)')) === 2);
    await until(
      async () =>
        (await monitoring.value('count(sluice_outbox_messages_total{channel="slack",state="refused"} == 0)')) === 2,
    );
    const cases = world.cases();
    const [lasting, ...others] = cases as [Case, ...Case[]];
    const began = performance.now();
    const provoking = (async () => {
      for (const { begin } of cases) await begin?.();
    })();
    provoking.catch(() => undefined);
    for (const end = began + 30_000; performance.now() < end; await kill()) await sleep(8000);
    await provoking;
    await all(cases, 'firing');
    await monitoring.killPrometheus();
    // It waits for each condition again. Of one that ends meanwhile, Alertmanager would hear by its time alone.
    await until(async () => (await monitoring.firing()) === cases.length, patienceMs);
    for (const { end } of others) await end?.();
    await kill();

    const storeAway = { alert: 'StoreAway', labels: {} };
    await world.storeProxy.close();
    await all([storeAway], 'firing');
    await world.storeProxy.open();
    await all([storeAway], 'resolved');

    const noController = { alert: 'NoController', labels: {} };
    await Promise.all(
      servers.map(async (each) => {
        await each.killed(0, () => all([noController], 'firing'));
      }),
    );
    await all([noController, ...others], 'resolved');
    expect(told(lasting)).toEqual(['firing']);
    await lasting.end?.();
    await all([lasting], 'resolved');
    await sleep(3000);

    const expected = [...cases, storeAway, noController];
    const kills = servers.reduce((sum, each) => sum + each.kills, 0);
    const seen = Object.fromEntries(
      [...new Set(monitoring.notified.map(caseOf))]
        .sort()
        .map((key) => [key, monitoring.notified.filter((each) => caseOf(each) === key).map(({ status }) => status)]),
    );
    expect(seen).toEqual(Object.fromEntries(expected.map((each) => [keyOf(each), ['firing', 'resolved']])));
    expect(new Set(expected.map(({ alert }) => `Sluice${alert}`))).toEqual(new Set(alerts));
    process.stdout.write(
      `prometheus: ${alerts.length} rules provoked in ${expected.length} cases, each began once and ended once; ${kills} × kill -9 of servers, 1 of Prometheus, ${Math.round((performance.now() - began) / 1000)} s\n`,
    );
    // A real scrape has nothing that promtool finds wrong.
    const scrape = await (
      await fetch(`http://${targets[0]}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    ).text();
    const { all: problems } = await execa(programs?.promtool ?? '', ['check', 'metrics'], {
      input: scrape,
      all: true,
      reject: false,
    });
    expect(problems).toBe('');
  },
  600_000,
);
