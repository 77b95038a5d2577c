import { publisherContract } from '../contract/publisher.ts';
import { memoryPublisher } from './sink.ts';

publisherContract('in memory', async () => {
  const staged = new Map<string, number>();
  const publisher = memoryPublisher((place) => staged.get(place));
  return {
    publisher,
    async stage(key, rows) {
      const views = Object.entries(rows).map(([view, n]) => ({ view, place: `${key}/${view}`, rows: n }));
      for (const { place, rows: n } of views) staged.set(place, n);
      return { kind: 'parquet', target: 'sink', key, views };
    },
    async read(view) {
      const key = publisher.published.get('sink')?.key;
      return key === undefined ? undefined : staged.get(`${key}/${view}`);
    },
  };
});
