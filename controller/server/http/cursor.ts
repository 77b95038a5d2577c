import { z } from 'zod';
import { problemBy } from './problem.ts';

const form = z.strictObject({ n: z.int().min(0) });

/** The place in a list after an entry with this number. Opaque to clients. */
export const cursorOf = (n: number): string => Buffer.from(JSON.stringify({ n })).toString('base64url');

/** The number in a cursor. Throws a Problem for anything else. */
export function numberOf(cursor: string): number {
  try {
    return form.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString())).n;
  } catch (error) {
    const message = 'is not a cursor of this API';
    throw problemBy(error, 400, 'the cursor is invalid', {
      details: [{ in: 'query', pointer: '/after', message, hint: 'take `next` of the page before' }],
    });
  }
}

/** A page of a list: its items, and the cursor of the next page, which is also a Link. */
export function page<T>(url: URL, items: readonly T[], next: string | null) {
  if (next === null) return { body: { items, next } };
  const after = new URLSearchParams(url.searchParams);
  after.set('after', next);
  return { body: { items, next }, headers: { link: `<${url.pathname}?${after}>; rel="next"` } };
}

/** The schema of a page. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item).readonly(),
    next: z.string().nullable().describe('The cursor of the next page; null on the last'),
  });

/** The query parameters of a list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(200).default(50).describe('The most items of a page'),
  after: z.string().max(200).optional().describe('The cursor of a page: `next` of the page before'),
};
