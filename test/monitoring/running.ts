import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { FakeServer, type Question, type Reply } from '../fakes/http.ts';
import { freePort } from '../ports.ts';

/** Resolves when Prometheus or Alertmanager answers on a port. */
async function isReady(port: number): Promise<void> {
  for (const end = performance.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 200))) {
    const answer = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined);
    if (answer?.ok) return;
    if (performance.now() > end) throw new Error(`port ${port} is not ready within 30 s`);
  }
}

/** An alert as Alertmanager tells of it. */
export interface Notified {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

const spawned = ([program = '', ...args]: readonly string[], cwd: string) =>
  execa(program, args, { cwd, reject: false, stdin: 'ignore' });
type Child = ReturnType<typeof spawned>;

/** What Alertmanager tells: it records. */
class Told extends FakeServer {
  readonly all: Notified[] = [];

  protected answer({ body }: Question): Reply {
    this.all.push(...(JSON.parse(body) as { alerts: Notified[] }).alerts);
    return { status: 200, body: {} };
  }
}

export interface Watching {
  /** Servers to scrape, as host:port, with a token. */
  readonly targets: readonly string[];
  readonly token: string;
  /** The rules as YAML. */
  readonly rules: string;
}

/** A Prometheus that scrapes servers each second, an Alertmanager that takes its alerts, and a receiver that records. */
export class Monitoring {
  private readonly told = new Told();
  private readonly folder = mkdtempSync(join(tmpdir(), 'sluice-monitoring-'));
  private readonly children: Child[] = [];
  /** The commands of the two programs. */
  private readonly commands: { readonly prometheus: string; readonly alertmanager: readonly string[] };
  private prometheus: Child | undefined;
  private port = 0;

  constructor(commands: Monitoring['commands']) {
    this.commands = commands;
  }

  /** All notifications so far, in their order. */
  get notified(): readonly Notified[] {
    return this.told.all;
  }

  async open({ targets, token, rules }: Watching): Promise<void> {
    await this.told.open();
    const manager = await freePort();
    this.port = await freePort();
    this.write('token', token);
    this.write('rules.yml', rules);
    this.write('prometheus.yml', {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: ['rules.yml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${manager}`] }] }] },
      scrape_configs: [
        {
          job_name: 'sluice',
          authorization: { credentials_file: join(this.folder, 'token') },
          static_configs: [{ targets }],
        },
      ],
    });
    this.write('alertmanager.yml', {
      // Each alert is a notification of its own.
      route: { receiver: 'test', group_by: ['...'], group_wait: '0s', group_interval: '1s', repeat_interval: '1h' },
      receivers: [{ name: 'test', webhook_configs: [{ url: `${this.told.url}/`, send_resolved: true }] }],
    });
    this.start(
      ...this.commands.alertmanager,
      '--config.file=alertmanager.yml',
      '--storage.path=alertmanager',
      `--web.listen-address=127.0.0.1:${manager}`,
      '--cluster.listen-address=',
    );
    this.startPrometheus();
    await Promise.all([isReady(manager), isReady(this.port)]);
  }

  /** Kills Prometheus without a word, and starts it again with what it has on its disk. */
  async killPrometheus(): Promise<void> {
    this.prometheus?.kill('SIGKILL');
    await this.prometheus;
    this.startPrometheus();
    await isReady(this.port);
  }

  /** The value of an expression; undefined when it has none, or none alone. */
  async value(expression: string): Promise<number | undefined> {
    const path = `query?query=${encodeURIComponent(expression)}`;
    const [only, ...others] = (await this.asked<{ result: { value: [number, string] }[] }>(path)).result;
    return only && others.length === 0 ? Number(only.value[1]) : undefined;
  }

  /** How many alerts Prometheus itself has as firing: the series of before a kill tell nothing of it. */
  async firing(): Promise<number> {
    const { alerts } = await this.asked<{ alerts: { state: string }[] }>('alerts');
    return alerts.filter(({ state }) => state === 'firing').length;
  }

  private async asked<T>(path: string): Promise<T> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/api/v1/${path}`);
    return ((await answer.json()) as { data: T }).data;
  }

  async close(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL');
    await Promise.allSettled(this.children);
    await this.told.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private startPrometheus(): void {
    this.prometheus = this.start(
      this.commands.prometheus,
      '--config.file=prometheus.yml',
      '--storage.tsdb.path=prometheus',
      `--web.listen-address=127.0.0.1:${this.port}`,
      '--log.level=warn',
    );
  }

  private start(...command: string[]): Child {
    const child = spawned(command, this.folder);
    this.children.push(child);
    return child;
  }

  private write(name: string, content: string | object): void {
    // JSON is YAML.
    writeFileSync(join(this.folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
}
