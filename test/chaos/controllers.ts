import { pick, type Random } from '../../controller/demo/random.ts';
import { pause, said, start } from '../integration/world.ts';

/** Serving controllers; each is restarted some time after it was killed. */
export class Controllers {
  readonly alive: ReturnType<typeof start>[] = [];
  /** Where the API of each is that lives. */
  private readonly urls = new Map<ReturnType<typeof start>, string>();
  private closed = false;
  private readonly random: Random;
  private readonly log: (line: string) => void;
  /** More of the environment of the next one. */
  private readonly env: () => Record<string, string>;

  constructor(random: Random, log: (line: string) => void, env: () => Record<string, string> = () => ({})) {
    this.random = random;
    this.log = log;
    this.env = env;
  }

  open(): void {
    this.serve();
    this.serve();
  }

  /** Tracks a command until it ends; `again` restarts it then. */
  keep(child: ReturnType<typeof start>, again?: () => void): void {
    this.alive.push(child);
    void child.then(async ({ exitCode, stderr }) => {
      this.alive.splice(this.alive.indexOf(child), 1);
      this.urls.delete(child);
      if (exitCode !== undefined && exitCode !== 0 && exitCode !== 3)
        this.log(`a controller ended with ${exitCode}: ${String(stderr).slice(-300)}`);
      if (this.closed || !again) return;
      await pause(300 + this.random() * 3000);
      if (!this.closed) again();
    });
  }

  private serve(): void {
    // Some controllers kill themselves exactly between two durable writes.
    const own = this.random() < 0.3;
    const fault = `${pick(this.random, ['before', 'after'])}:${1 + Math.floor(this.random() * 40)}:kill`;
    const args = ['serve', '--bind', '127.0.0.1:0', '--log-format', 'json'];
    const child = start(args, { ...(own && { SLUICE_FAULT: fault }), ...this.env() });
    this.keep(child, () => this.serve());
    said(child, /"url":"(http[^"]+)"/).then(
      ([, url = '']) => this.urls.set(child, url),
      // It was killed before.
      () => undefined,
    );
  }

  /** The addresses of those that serve. */
  get serving(): string[] {
    return this.alive.flatMap((child) => this.urls.get(child) ?? []);
  }

  async close(): Promise<void> {
    this.closed = true;
    const left = [...this.alive];
    for (const child of left) child.kill('SIGKILL');
    await Promise.all(left);
  }
}
