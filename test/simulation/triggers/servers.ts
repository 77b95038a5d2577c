import { Scheduler } from '../../../controller/app/triggers/scheduler.ts';
import { schedulerService } from '../../../controller/app/triggers/service.ts';
import { Process } from '../network.ts';
import { hour, minute } from './units.ts';
import type { Slot, TriggerWorld } from './world.ts';

/** Real schedulers, each in a process of a simulated world. */

const leaseMs = 8000;
let born = 0;

/** Starts a server like `sluice serve` does, on a machine whose clock may be off by an hour. */
export function startServer(world: TriggerWorld, slot: Slot): void {
  const { random, time } = world;
  born += 1;
  const process = new Process(`${slot.name}/${born}`, time, Math.round((random() - 0.5) * 2 * hour));
  slot.process = process;
  if (random() < 0.7) world.planCrash(process);
  const store = world.reached(process);
  const startedAt = time.now;
  const monotonic = (): number => 12_345 + time.now - startedAt + process.skew + hour;
  const scheduler = new Scheduler({
    ...{ store, drivers: world.drivers, context: {} as never, monotonic },
    deadline: (ms) => {
      const controller = new AbortController();
      time.at(time.now + ms, () => controller.abort());
      return controller.signal;
    },
    report: {
      entered: (_of, entered) => {
        for (const { isNew } of entered) if (!isNew) world.count('firings that were in the ledger already');
      },
      problem: (_of, reason) => {
        if (reason === undefined || /store is away|broke off|no answer within/.test(reason)) return;
        world.broken.push({ promise: 'errors that nobody foresaw', what: `${process.name}: ${reason}` });
      },
      clockStepped: () => world.count('clock steps that a server noticed'),
    },
  });
  const service = schedulerService({
    ...{
      scheduler,
      store,
      monotonic,
      serves: () => ({ services: [] }),
      owner: () => process.name,
      release: String(slot.release),
    },
    pipelines: async () => [...slot.versions.values()].map(({ watched }) => watched),
    logger: { log: () => undefined },
  });
  void world.store.heartbeat(process.name, Number.MAX_SAFE_INTEGER / 4);
  void loop(world, process, world.service?.(service) ?? service);
}

/** A process ends; its lease ends some seconds later. */
export function endServer(world: TriggerWorld, slot: Slot): void {
  const { process } = slot;
  if (!process || process.dead) return;
  process.dead = true;
  slot.process = undefined;
  world.time.at(world.time.now + leaseMs, () => void world.store.expire(process.name));
}

/** Runs a service each second when something may happen, and skips the seconds in which nothing does. */
async function loop(world: TriggerWorld, process: Process, service: { work(): Promise<unknown> }): Promise<void> {
  const { time, random } = world;
  let epoch = -1;
  let streak = 0;
  while (!process.dead) {
    await service.work().catch(() => undefined);
    if (epoch !== world.epoch) [epoch, streak] = [world.epoch, 0];
    streak += 1;
    const often = streak < 7 ? 1000 : Math.min(1000 * 2 ** (streak - 6), world.isSettling ? 15_000 : 5 * minute);
    const toNext = Math.max(1000, nextDue(world) - world.clock() + random() * 1000);
    if (time.now < world.disturbedUntil) await process.sleep(Math.min(often, toNext));
    else {
      await Promise.race([process.sleep(toNext), world.alarm.rung]);
      await process.sleep(random() * 1000);
      // The second look lets a collision come right.
      await service.work().catch(() => undefined);
      await process.sleep(1000);
    }
  }
}

/** When something is due next, by the store's clock. */
function nextDue(world: TriggerWorld): number {
  const { dues } = world;
  const now = world.clock();
  let low = 0;
  let high = dues.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((dues[middle] as number) > now) high = middle;
    else low = middle + 1;
  }
  return Math.min(dues[low] ?? Number.POSITIVE_INFINITY, now + 6 * hour);
}
