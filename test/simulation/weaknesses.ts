import type { BatchBackend } from '../../controller/domain/ports/backend.ts';
import type { Publisher } from '../../controller/domain/ports/sink.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';
import type { TaskRunner } from '../../controller/domain/ports/task.ts';
import type { Workspace } from '../../controller/domain/ports/workspace.ts';
import { rejected } from '../../controller/lib/errors.ts';
import type { Sink } from './outside.ts';
import type { Promised } from './verdict.ts';

/** A defect of the system: a part without the mechanism that keeps a promise. */
export interface Weakness {
  readonly store?: (store: RunStore) => RunStore;
  readonly backend?: (backend: BatchBackend) => BatchBackend;
  readonly publisher?: (publisher: Publisher, sink: Sink) => Publisher;
  readonly workspace?: (workspace: Workspace) => Workspace;
  readonly taskRunner?: (runner: TaskRunner) => TaskRunner;
}

/** A store that accepts every append: it ignores leases and the length of the history. */
function withoutFence(store: RunStore): RunStore {
  const tokens = new Map<string, number>();
  return {
    ...store,
    async claim(run, owner) {
      const lease = await store.claim(run, owner);
      if (lease) tokens.set(run, lease.token);
      return lease;
    },
    async append({ run, token }, _after, at, entry) {
      const { length } = await store.history(run);
      return store.append({ run, token: tokens.get(run) ?? token }, length, at, entry);
    },
  };
}

let calls = 0;

/** For each promise, a system that must be seen to break it. */
export const weaknesses: readonly { readonly name: string; readonly breaks: Promised; readonly weakness: Weakness }[] =
  [
    {
      name: 'no controller looks for runs whose controller is gone',
      breaks: 'runs lost or stuck',
      weakness: {
        store: (store) => ({
          ...store,
          orphaned: async (limit) => (await store.orphaned(limit)).filter(({ owner }) => owner === undefined),
        }),
      },
    },
    {
      name: 'a publisher takes what it has published itself for a stranger’s',
      breaks: 'runs that ended otherwise than they should',
      weakness: {
        publisher: (publisher, { published }) => ({
          ...publisher,
          publish: async (staged, runNumber) => {
            if (published.some(({ key }) => key === staged.key)) throw rejected('there is something already');
            return publisher.publish(staged, runNumber);
          },
        }),
      },
    },
    {
      name: 'a gateway says that it has cancelled, and has not',
      breaks: 'steps with two applications alive at the same time',
      weakness: { backend: (backend) => ({ ...backend, cancel: async () => undefined }) },
    },
    {
      name: 'a publisher that keeps no ledger',
      breaks: 'results published twice or half',
      weakness: {
        publisher: (publisher, { published }) => ({
          ...publisher,
          publish: async (staged, runNumber) => {
            const { target, key, kind, views } = staged;
            published.push({ target, key, runNumber, rows: views.map(({ rows }) => rows) });
            return views.map(({ view, rows }) => ({ view, kind, rows, where: target }));
          },
        }),
      },
    },
    {
      name: 'a publisher that says so and does nothing',
      breaks: 'results published by a step that did not succeed, or missing of one that did',
      weakness: {
        publisher: (publisher) => ({
          ...publisher,
          publish: async ({ target, kind, views }) =>
            views.map(({ view, rows }) => ({ view, kind, rows, where: target })),
        }),
      },
    },
    {
      name: 'mails are put in after the end of a run, not with it',
      breaks: 'events without a mail',
      weakness: {
        store: (store) => ({
          ...store,
          append: (lease, after, at, { messages: _, ...entry }) => store.append(lease, after, at, entry),
        }),
      },
    },
    {
      name: 'a mail is rendered when it is sent',
      breaks: 'events with two different mails',
      weakness: {
        store: (store) => ({
          ...store,
          due: async () =>
            (await store.due()).map(({ message, tries }) => {
              calls += 1;
              return { message: { ...message, text: `${message.text}${calls}` }, tries };
            }),
        }),
      },
    },
    {
      name: 'a request has another key at each attempt',
      breaks: 'requests done twice',
      weakness: {
        taskRunner: (runner) => ({
          run: (request) => {
            calls += 1;
            return runner.run({ ...request, key: `${request.key}-${calls}` });
          },
        }),
      },
    },
    { name: 'a store without a fencing token', breaks: 'histories out of order', weakness: { store: withoutFence } },
    {
      name: 'what is staged is never cleared away',
      breaks: 'staging places left behind',
      weakness: { publisher: (publisher) => ({ ...publisher, discard: async () => undefined }) },
    },
    {
      name: 'a result that cannot be read',
      breaks: 'errors that nobody foresaw',
      weakness: {
        workspace: (workspace) => ({
          ...workspace,
          result: async () => {
            throw new TypeError('Cannot read properties of undefined');
          },
        }),
      },
    },
  ];
