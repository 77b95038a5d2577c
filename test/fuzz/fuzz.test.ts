import { afterAll, expect, test } from 'vitest';
import { fuzz } from './subject.ts';
import { subjects } from './subjects.ts';

/** A small run of the fuzzer; `npm run fuzz` is the long one. */

const all = await subjects();
afterAll(() => Promise.all(all.map((subject) => subject.close?.())));
const seed = Date.now() % 1_000_000_000;

test.each(all.map((subject) => [subject.name, subject] as const))(
  '%s nobody thought of crash nothing and lose nothing',
  async (_name, subject) => {
    const broken: string[] = [];
    const { accepted, refused, crashes, losses } = await fuzz(subject, Math.ceil(200 * subject.share), seed, (what) =>
      broken.push(what),
    );
    // A loaded machine is slow, so only the long run reports hangs.
    expect({ crashes, losses }, broken.join('\n')).toEqual({ crashes: 0, losses: 0 });
    expect(accepted + refused).toBe(Math.ceil(200 * subject.share));
  },
);
