import { describe, expect, test } from 'vitest';
import type { Publisher, Staged } from '../../controller/domain/ports/sink.ts';

/** A test sink: how to stage rows in it, and what its readers see. */
export interface Sink {
  readonly publisher: Publisher;
  /** Stages views with this many rows each. Returns what the runner would report. */
  stage(key: string, rows: Readonly<Record<string, number>>): Promise<Staged>;
  /** Rows that a reader finds in a published view; undefined while it does not exist. */
  read(view: string): Promise<number | undefined>;
}

/** The contract of every publisher. */
export function publisherContract(name: string, open: () => Promise<Sink>): void {
  describe(`the publisher ${name}`, () => {
    test('shows nothing before it publishes, and all views of the sink afterwards', async () => {
      const { publisher, stage, read } = await open();
      const staged = await stage('k1', { a: 3, b: 5 });
      await publisher.audit(staged);
      expect(await read('a')).toBeUndefined();
      const outputs = await publisher.publish(staged, 1);
      expect(outputs.map(({ view, rows }) => [view, rows])).toEqual([
        ['a', 3],
        ['b', 5],
      ]);
      expect([await read('a'), await read('b')]).toEqual([3, 5]);
    });

    test('refuses in its audit rows that differ from the count of the runner', async () => {
      const { publisher, stage } = await open();
      const staged = await stage('k1', { a: 3 });
      const claimed = { ...staged, views: staged.views.map((view) => ({ ...view, rows: 4 })) };
      await expect(publisher.audit(claimed)).rejects.toThrow(/a: 3 rows are staged in .*, but the runner reported 4/);
    });

    test('publishes a key once: repeating audit and publication gives the same result and changes nothing', async () => {
      const { publisher, stage, read } = await open();
      const staged = await stage('k1', { a: 3 });
      const first = await publisher.publish(staged, 1);
      await publisher.audit(staged);
      expect(await publisher.publish(staged, 1)).toEqual(first);
      expect(await read('a')).toBe(3);
    });

    test('lets a newer run replace an older one, and never the reverse', async () => {
      const { publisher, stage, read } = await open();
      await publisher.publish(await stage('k1', { a: 3 }), 1);
      const late = await stage('k2', { a: 4 });
      await publisher.publish(await stage('k3', { a: 6 }), 3);
      expect(await read('a')).toBe(6);
      await expect(publisher.publish(late, 2)).rejects.toMatchObject({ kind: 'rejected' });
      expect(await read('a')).toBe(6);
    });

    test('recognises a published key although a newer run has replaced it since', async () => {
      const { publisher, stage, read } = await open();
      const first = await stage('k1', { a: 3 });
      const outputs = await publisher.publish(first, 1);
      await publisher.publish(await stage('k2', { a: 4 }), 2);
      await publisher.audit(first);
      expect(await publisher.publish(first, 1)).toEqual(outputs);
      expect(await read('a')).toBe(4);
    });

    test('discards staged output, and accepts that there is none', async () => {
      const { publisher, stage, read } = await open();
      await publisher.publish(await stage('k1', { a: 3 }), 1);
      const lost = await stage('k2', { a: 9 });
      await publisher.discard(lost);
      await publisher.discard(lost);
      expect(await read('a')).toBe(3);
    });
  });
}
