import { explainKafka, kafkaClient } from '../clients/kafka.ts';
import { events } from './movements.ts';
import { randomOf } from './random.ts';
import type { Defects } from './shop.ts';
import type { DemoTargets, OnProgress, Shares } from './targets.ts';

const batch = 10_000;
const partitions = 4;

/** Replaces the topic's messages with a seed's events, including duplicates and out-of-order ones. */
export async function fillTopic(
  shares: Shares,
  seed: number,
  defects: Defects,
  { brokers, topic }: DemoTargets,
  onProgress: OnProgress,
): Promise<Record<string, number>> {
  const kafka = kafkaClient({ brokers });
  const producer = kafka.producer({ maxInFlightRequests: 1 });
  const random = randomOf(seed, 'shuffle');
  const planted = { duplicate: 0, swapped: 0 };
  try {
    await newTopic(kafka, topic);
    await producer.connect();
    let held: { key: string; value: string; partition: number }[] = [];
    const send = async (): Promise<void> => {
      for (let i = 0; i + 1 < held.length; i++) {
        if (random() >= defects.outOfOrder) continue;
        const j = i + 1 + Math.floor(random() * Math.min(50, held.length - i - 1));
        [held[i], held[j]] = [held[j] as (typeof held)[number], held[i] as (typeof held)[number]];
        planted.swapped += 1;
      }
      await producer.send({ topic, messages: held });
      held = [];
    };
    for (const event of events(shares.events, shares.orders, shares.users, seed, defects)) {
      if (event.planted) planted.duplicate += 1;
      held.push({ key: String(event.order), value: event.json, partition: event.order % partitions });
      if (held.length >= batch) await send();
    }
    if (held.length > 0) await send();
  } catch (error) {
    throw explainKafka(error, brokers);
  } finally {
    await producer.disconnect();
  }
  onProgress('order events', shares.events);
  return { 'events sent twice': planted.duplicate, 'events out of order': planted.swapped };
}

/** Creates the topic again: its new messages do not continue the old ones. */
async function newTopic(kafka: ReturnType<typeof kafkaClient>, topic: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    if ((await admin.listTopics()).includes(topic)) await admin.deleteTopics({ topics: [topic] });
    // The broker frees the name shortly after it has confirmed the deletion.
    for (let tries = 0; ; tries++) {
      try {
        await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: true });
        return;
      } catch (error) {
        if (tries === 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  } finally {
    await admin.disconnect();
  }
}
