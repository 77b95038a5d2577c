import type { TriggerDriver } from '../../../controller/adapters/drivers.ts';
import type { Service } from '../../../controller/app/services.ts';
import type { Random } from '../../../controller/demo/random.ts';
import type { RunStore } from '../../../controller/domain/ports/store.ts';
import { SluiceError } from '../../../controller/lib/errors.ts';
import { day } from './units.ts';
import type { Promised } from './verdict.ts';

/** A defect of the system: a part without the mechanism that keeps a promise. */
export interface Weakness {
  readonly store?: (store: RunStore, random: Random) => RunStore;
  readonly driver?: (driver: TriggerDriver) => TriggerDriver;
  readonly service?: (service: Service) => Pick<Service, 'work'>;
}

const brokeOff = (): never => {
  throw new SluiceError('the connection broke off', { kind: 'unknown-outcome' });
};

/** For each promise, a system that must be seen to break it. */
export const weaknesses: readonly { readonly name: string; readonly breaks: Promised; readonly weakness: Weakness }[] =
  [
    {
      name: 'the cursor is saved before the firings, in a transaction of its own',
      breaks: 'instants without an outcome',
      weakness: {
        store: (store, random) => ({
          ...store,
          async fire(name, seen, firings, cursor, isPartial) {
            if (!(await store.fire(name, seen, [], cursor, isPartial))) return undefined;
            if (random() < 0.02) brokeOff();
            return store.fire(name, { generation: seen.generation }, firings);
          },
        }),
      },
    },
    {
      name: 'the horizon is now, whatever has been accounted for',
      breaks: 'instants without an outcome',
      weakness: {
        driver: (driver) => ({
          ...driver,
          async poll(trigger, known, context) {
            const due = await driver.poll(trigger, known, context);
            return { ...due, cursor: { ...(due.cursor as object), horizon: known.now } };
          },
        }),
      },
    },
    {
      name: 'a run is made first, and its firing is entered afterwards',
      breaks: 'firings without their one run, or runs without their one firing',
      weakness: {
        store: (store) => ({
          ...store,
          async fire(name, seen, firings, cursor, isPartial) {
            for (const { as } of firings)
              if ('start' in as) {
                const run = `${as.start.run} before`;
                await store.create({ ...as.start, run, trigger: name.trigger });
              }
            return store.fire(name, seen, firings, cursor, isPartial);
          },
        }),
      },
    },
    {
      name: 'a cursor is not always stored with its firings',
      breaks: 'instants with two outcomes',
      weakness: {
        store: (store, random) => ({
          ...store,
          fire: async (name, seen, firings, cursor, isPartial) =>
            random() < 0.7 || seen.seq === undefined
              ? store.fire(name, seen, firings, cursor, isPartial)
              : store.fire(name, seen, firings, (await store.trigger(name)).cursor ?? cursor, true),
        }),
      },
    },
    {
      name: 'neither the seq nor the key keeps two servers from firing the same',
      breaks: 'firings that no schedule has',
      weakness: {
        store: (store) => ({
          ...store,
          async fire(name, { generation }, firings, cursor, isPartial) {
            const { seq } = await store.trigger(name);
            const rows = await Promise.all(
              firings.map(async (each) => {
                const there = await store.firings({ ...name, at: each.due, limit: 9 });
                return there.some(({ key }) => key === each.key)
                  ? { ...each, key: `${each.key} (a second one)` }
                  : each;
              }),
            );
            return store.fire(name, { generation, seq }, rows, cursor, isPartial);
          },
        }),
      },
    },
    {
      name: 'a stale look may fire while the trigger is paused',
      breaks: 'runs started in a pause',
      weakness: {
        store: (store) => ({
          ...store,
          trigger: async (name) => ({ ...(await store.trigger(name)), pauses: [] }),
        }),
      },
    },
    {
      name: 'pauses are forgotten when they end',
      breaks: 'instants of a pause that started',
      weakness: {
        store: (store) => ({
          ...store,
          async trigger(name) {
            const state = await store.trigger(name);
            return { ...state, pauses: state.pauses.filter(({ to }) => to === undefined) };
          },
        }),
      },
    },
    {
      name: 'instants from before the trigger was armed are owed',
      breaks: 'starts of what was due before the trigger was armed',
      weakness: {
        driver: (driver) => ({
          ...driver,
          poll: (trigger, known, context) => driver.poll(trigger, { ...known, armed: known.armed - 2 * day }, context),
        }),
      },
    },
    {
      name: 'nothing is too late to be caught up',
      breaks: 'starts later than within, or earlier than due',
      weakness: {
        driver: (driver) => ({
          ...driver,
          poll: (trigger, known, context) => driver.poll({ ...trigger, within: '9999h' }, known, context),
        }),
      },
    },
    {
      name: 'a waiting run is not told what it takes along',
      breaks: 'joined runs that had begun to measure',
      weakness: {
        store: (store) => ({
          ...store,
          fire: (name, seen, firings, cursor, isPartial) =>
            store.fire(
              name,
              seen,
              firings.map((firing) =>
                'start' in firing.as && firing.as.joins
                  ? { ...firing, as: { ...firing.as, joins: { type: 'cancel-requested', by: 'a user' } } }
                  : firing,
              ),
              cursor,
              isPartial,
            ),
        }),
      },
    },
    {
      name: 'keys are times of UTC',
      breaks: 'firings that no schedule has',
      weakness: {
        driver: (driver) => ({
          ...driver,
          async poll(trigger, known, context) {
            const due = await driver.poll(trigger, known, context);
            return { ...due, firings: due.firings.map((each) => ({ ...each, key: new Date(each.due).toISOString() })) };
          },
        }),
      },
    },
    {
      name: 'a scheduler looks seldom',
      breaks: 'instants passed over while servers ran',
      weakness: {
        service(service) {
          let calls = 0;
          return {
            work: async () => {
              calls += 1;
              if (calls % 40 === 1) await service.work();
            },
          };
        },
      },
    },
    {
      name: 'a poll fails by a fault of the program',
      breaks: 'errors that nobody foresaw',
      weakness: {
        driver: (driver) => ({
          ...driver,
          poll: async () => {
            throw new TypeError('Cannot read properties of undefined');
          },
        }),
      },
    },
  ];
