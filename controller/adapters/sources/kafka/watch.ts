import { explainKafka, kafkaClient } from '../../../clients/kafka.ts';
import { fetchRanges } from '../../../clients/kafka-fetch.ts';
import type { KafkaAddress } from '../../../config/addresses.ts';
import type { Source } from '../../../domain/pipeline.ts';
import type { SourceWatch, TopicMessage } from '../../source-watch.ts';
import type { KafkaSource } from './driver.ts';
import { pinOffsets } from './log.ts';

/** A broker that sends no message for so long has stopped answering. Milliseconds. */
const idleMs = 10_000;

/** Looks at topics. */
export function topicWatch(addressOf: (connection: string) => KafkaAddress): SourceWatch {
  async function asked<T>(source: Source, ask: (kafka: ReturnType<typeof kafkaClient>, topic: string) => Promise<T>) {
    const { kafka: connection, topic } = source as KafkaSource;
    const address = addressOf(connection);
    try {
      return await ask(kafkaClient(address), topic);
    } catch (error) {
      throw explainKafka(error, address.brokers);
    }
  }
  return {
    offsets: (source) => asked(source, async (kafka, topic) => (await pinOffsets(kafka, 'trigger', topic)).partitions),
    messages: (source, ranges) =>
      asked(source, async (kafka, topic) => {
        const found: TopicMessage[] = [];
        if (ranges.length > 0)
          await fetchRanges(kafka, topic, ranges, idleMs, (partition, offset, _time, buffer, start, end) => {
            const value = start < 0 ? '' : buffer.subarray(start, end).toString('utf8');
            found.push({ partition, offset: Number(offset), value });
          });
        return found.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
      }),
  };
}
