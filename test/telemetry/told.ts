import { afterEach } from 'vitest';
import { notifierOf } from '../../controller/app/adapters.ts';
import { builtIn } from '../../controller/app/registry.ts';
import { telemetryOf } from '../../controller/app/telemetry.ts';
import type { Recorded } from '../../controller/domain/events.ts';
import type { Message } from '../../controller/domain/ports/notifier.ts';
import { fold } from '../../controller/domain/state.ts';
import type { Ports } from '../../controller/engine/ports.ts';
import { Receiver } from '../adapters/notifiers/receivers.ts';
import { telemetryServices } from './receivers.ts';
import { adapters, toldAdapters } from './world.ts';

export type Kind = keyof typeof telemetryServices;
export const kinds = Object.keys(telemetryServices) as Kind[];
export const telemetry = telemetryOf(toldAdapters, 'r1') as NonNullable<Ports['telemetry']>;

/** All messages of a history, rendered after each of its events, and stored: of each id, the first. */
export async function messagesOf(history: readonly Recorded[]): Promise<Message[]> {
  const messages = new Map<string, Message>();
  for (let n = 1; n <= history.length; n++) {
    const [before, after] = [fold(history.slice(0, n - 1)), fold(history.slice(0, n))];
    for (const message of await telemetry({ before, after, history: after.ended ? history.slice(0, n) : [] }))
      if (!messages.has(message.id)) messages.set(message.id, message);
  }
  return [...messages.values()];
}
export const bodies = <T>(messages: readonly Message[], to: string): T[] =>
  messages.filter((each) => each.to === to).map(({ body }) => body as T);

const open: Receiver[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

/** A receiver of each kind, and a notifier with conf/ that names them as the receivers are called here. */
export async function receivers() {
  const connections: Record<string, object> = {};
  const of = {} as Record<Kind, Receiver>;
  for (const kind of kinds) {
    const receiver = await new Receiver(telemetryServices[kind]).open();
    open.push(receiver);
    of[kind] = receiver;
    const { connection } = builtIn.telemetry.find((each) => each.kind === kind) ?? {};
    const parsed = connection?.spec.parse(telemetryServices[kind].connection(receiver.url)) as object;
    connections[kind] = { catalog: parsed, other: parsed, collector: parsed };
  }
  const context = { ...adapters.context, project: { ...adapters.context.project, connections } as never };
  return { ...of, send: notifierOf(builtIn, context).send };
}
