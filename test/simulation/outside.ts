import type { Random } from '../../controller/demo/random.ts';
import type { PublishedOutput } from '../../controller/domain/events.ts';
import { type Message, MessageDeferredError, type Notifier } from '../../controller/domain/ports/notifier.ts';
import type { Publisher } from '../../controller/domain/ports/sink.ts';
import type { TaskRequest, TaskRunner } from '../../controller/domain/ports/task.ts';
import { RetryAfterError } from '../../controller/domain/ports/task.ts';
import { rejected } from '../../controller/lib/errors.ts';
import type { Disk } from './cluster.ts';

/** A sink as its readers see it: the publications, in order. */
export class Sink {
  readonly published: {
    readonly target: string;
    readonly key: string;
    readonly runNumber: number;
    readonly rows: number[];
  }[] = [];
  private readonly disk: Disk;

  constructor(disk: Disk) {
    this.disk = disk;
  }

  readonly publisher: Publisher = {
    prepare: async () => undefined,
    audit: async ({ key, views }) => {
      if (this.published.some((each) => each.key === key)) return;
      for (const { view, place, rows } of views) {
        const found = this.disk.staged.get(place) ?? 0;
        if (found !== rows)
          throw rejected(`${view}: ${found} rows are staged in ${place}, but the runner reported ${rows}`);
      }
    },
    publish: async ({ target, key, kind, views }, runNumber) => {
      const last = this.published.findLast((each) => each.target === target);
      const before = this.published.some((each) => each.target === target && each.key === key);
      if (last && !before && last.runNumber > runNumber)
        throw rejected(`${target} already shows the result of a newer run (${last.key})`);
      if (!before) {
        if (views.some(({ place }) => !this.disk.staged.has(place))) throw rejected(`nothing is staged for ${key}`);
        this.published.push({
          target,
          key,
          runNumber,
          rows: views.map(({ place }) => this.disk.staged.get(place) ?? 0),
        });
        for (const { place } of views) this.disk.staged.delete(place);
      }
      return views.map<PublishedOutput>(({ view, rows }) => ({ view, kind, rows, where: `${target}/${view}` }));
    },
    discard: async ({ views }) => {
      for (const { place } of views) this.disk.staged.delete(place);
    },
  };
}

/** A mail server that sometimes defers a mail, and records all that it accepted. */
export class Mailbox implements Notifier {
  readonly mails: Message[] = [];
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  async send(message: Message): Promise<void> {
    if (this.random() < 0.1) throw new MessageDeferredError('450 come again', {});
    this.mails.push(message);
  }
}

/** An API that acts once per idempotency key, and is busy now and then. */
export class Api implements TaskRunner {
  readonly done = new Map<string, number>();
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  async run({ key }: TaskRequest) {
    if (this.random() < 0.3) throw new RetryAfterError('503', 1000 * this.random());
    if (!this.done.has(key)) this.done.set(key, this.done.size + 1);
    return { status: 200, body: { ready: true, number: this.done.get(key) } };
  }
}
