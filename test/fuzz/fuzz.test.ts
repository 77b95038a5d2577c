import { afterAll, expect, test } from 'vitest';
import { fuzz } from './subject.ts';
import { subjects } from './subjects.ts';

/** The fuzzer in small; `npm run fuzz` is the same for as long as one likes. */

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
    // A machine under load is slow: what takes long is for the long form to tell.
    expect({ crashes, losses }, broken.join('\n')).toEqual({ crashes: 0, losses: 0 });
    expect(accepted + refused).toBe(Math.ceil(200 * subject.share));
  },
);
