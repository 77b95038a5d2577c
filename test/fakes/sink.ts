import type { PublishedOutput } from '../../controller/domain/events.ts';
import type { Publisher } from '../../controller/domain/ports/sink.ts';
import { rejected } from '../../controller/lib/errors.ts';

/** A publisher in memory: `rowsAt` returns the staged rows, and the published ones can be read. */
export function memoryPublisher(rowsAt: (place: string) => number | undefined): Publisher & {
  readonly published: ReadonlyMap<string, { readonly key: string; readonly runNumber: number }>;
} {
  const published = new Map<string, { key: string; runNumber: number }>();
  const ever = new Set<string>();
  return {
    published,
    prepare: async () => undefined,
    async audit({ views }) {
      for (const { view, place, rows } of views) {
        const found = rowsAt(place) ?? 0;
        if (found !== rows)
          throw rejected(`${view}: ${found} rows are staged in ${place}, but the runner reported ${rows}`);
      }
    },
    async publish({ target, key, kind, views }, runNumber) {
      const last = published.get(target);
      if (last && last.key !== key && last.runNumber > runNumber && !ever.has(`${target} ${key}`)) {
        throw rejected(`${target} already shows the result of a newer run (${last.key})`);
      }
      if (!ever.has(`${target} ${key}`)) published.set(target, { key, runNumber });
      ever.add(`${target} ${key}`);
      return views.map<PublishedOutput>(({ view, rows }) => ({ view, kind, rows, where: `${target}/${view}` }));
    },
    discard: async () => undefined,
  };
}
