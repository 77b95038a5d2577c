import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gantt } from '../../../controller/server/pages/parts/gantt.ts';
import { graph, layered } from '../../../controller/server/pages/parts/graph.ts';
import { marks, sparkline } from '../../../controller/server/pages/parts/marks.ts';
import { bounded, pathTo } from '../../../controller/server/pages/parts/text.ts';
import { pageWords } from '../../../controller/server/pages/words/words.ts';

const node = (name: string, ...needs: string[]) => ({ name, state: 'pending', needs });

test('a step is in a layer after all that it needs, and no two are at one place', () => {
  const places = layered([node('d', 'b', 'c'), node('c', 'a'), node('b'), node('a'), node('e', 'none')]);
  expect([...places].map(([name, { layer }]) => [name, layer]).sort()).toEqual([
    ['a', 0],
    ['b', 0],
    ['c', 1],
    ['d', 2],
    ['e', 0],
  ]);
  void fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(11), fc.nat(11)), { maxLength: 40 }), (edges) => {
      const nodes = Array.from({ length: 12 }, (_, i) =>
        node(String(i), ...edges.filter(([from, to]) => from === i && to < i).map(([, to]) => String(to))),
      );
      const found = layered(nodes);
      const at = [...found.values()].map(({ layer, row }) => `${layer} ${row}`);
      expect(new Set(at).size).toBe(12);
      for (const { name, needs } of nodes)
        for (const need of needs) expect(found.get(need)?.layer).toBeLessThan(found.get(name)?.layer ?? -1);
    }),
  );
});

test('steps that need each other in a circle are drawn all the same', () => {
  const { text } = graph([node('a', 'b'), node('b', 'a'), node('<i>', 'a')], 'says');
  expect(text.match(/<rect/g)).toHaveLength(3);
  expect(text).toContain('&lt;i&gt;');
});

test('a timeline has a bar for each phase, within the drawing, and ends now for one that goes on', () => {
  const phase = (what: string, from: number, ms: number | undefined) => ({ what, from, ms, outcome: '', parts: {} });
  const { text } = gantt(
    [phase('a', 1000, 500), phase('b, pause', 1500, 0), phase('c', 1500, undefined)],
    3000,
    'says',
    'goes on',
  );
  const bars = [...text.matchAll(/x="([\d.]+)" y="\d+" width="([\d.]+)"/g)].map(
    ([, x, width]) => Number(x) + Number(width),
  );
  expect(bars).toHaveLength(3);
  // The whole is from 1000 to 3000, drawn from 230 to 870.
  expect(bars[0]).toBeCloseTo(230 + 160, 0);
  expect(bars[2]).toBeCloseTo(870, 0);
  expect(text).toContain('goes on');
  expect(gantt([phase('a', 5, 0)], 5, 'says', '').text).not.toMatch(/NaN|Infinity/);
});

test('marks tell states apart by their form and count them in words', () => {
  const t = pageWords.en;
  const states = ['failed', 'succeeded', 'succeeded', 'skipped', 'degraded', 'running'];
  const { text } = marks(states, { t, of: 'alpha', says: t.overview.marks });
  expect(text).toContain('aria-label="alpha. Last 6 runs, the newest at the right: failed: 1, succeeded: 2');
  const shapes = [...text.matchAll(/<(rect|path)[^>]*>/g)].map(([all]) =>
    all.replace(/class="[^"]*"|M\d+|x="\d+"/g, ''),
  );
  expect(new Set(shapes).size).toBe(5);
  expect(sparkline([0.5], 'q').text).toBe('');
  expect(sparkline([1, null, 0.5], 'q').text).toContain('points="2.0,22.0 98.0,2.0"');
});

test('texts are bounded and visible, and paths have no other parts than those given', () => {
  expect(bounded('a\u202eb\n', 10)).toBe('a\\u202eb\\n');
  expect(bounded('x'.repeat(10_000), 50)).toHaveLength(51);
  expect(pathTo('runs', '../a b?c#d/e')).toBe('/runs/..%2Fa%20b%3Fc%23d%2Fe');
});
