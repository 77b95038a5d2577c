import type { z } from 'zod';
import { didYouMean } from '../../lib/suggest.ts';
import { type Detail, Problem, problemBy } from './problem.ts';
import type { AnyRoute } from './route.ts';

/** The longest body when a route does not say. Bytes. */
const maximumBytes = 1 << 20;

const pointerOf = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function detailsOf(part: Detail['in'], { issues }: z.ZodError, known: readonly string[]): Detail[] {
  return issues.flatMap((issue): Detail[] => {
    const pointer = pointerOf(issue.path);
    if (issue.code !== 'unrecognized_keys') return [{ in: part, pointer, message: issue.message }];
    return issue.keys.map((key) => ({
      in: part,
      pointer: `${pointer}${pointerOf([key])}`,
      message: `is not known${issue.path.length === 0 ? didYouMean(key, known) : ''}`,
      ...(issue.path.length === 0 && { hint: known.length === 0 ? 'leave it out' : `known: ${known.join(', ')}` }),
    }));
  });
}

/** A part of a request as its schema understands it. Throws a Problem that names each error. */
function checked<T extends z.ZodType>(part: Detail['in'], schema: T, value: unknown): z.output<T> {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const known = 'shape' in schema ? Object.keys((schema as unknown as z.ZodObject).shape) : [];
  // There is nothing at a path that cannot exist.
  const status = part === 'path' ? 404 : 400;
  const details = detailsOf(part, error, known);
  throw new Problem(status, `the ${part} is invalid: ${details[0]?.pointer} ${details[0]?.message}`, { details });
}

export const paramsOf = (of: AnyRoute, given: Readonly<Record<string, string>>) =>
  of.params ? checked('path', of.params, given) : {};

/** Whether a parameter is a number: JavaScript would also take an empty text, 1e2 and 0x10 for one. */
const isNumber = (schema: z.ZodType): boolean => schema.safeParse('1').success && !schema.safeParse('x').success;

/** The query as its schema understands it; a repeated parameter must be a list. */
export function queryOf(of: AnyRoute, given: URLSearchParams) {
  const shape = of.query?.shape ?? {};
  const isKnown = (name: string): boolean => Object.hasOwn(shape, name);
  const isList = (name: string): boolean => isKnown(name) && (shape[name] as z.ZodType).safeParse([]).success;
  const details: Detail[] = [];
  const values = new Map<string, unknown>();
  for (const name of new Set(given.keys())) {
    const all = given.getAll(name);
    if (all.length > 1 && isKnown(name) && !isList(name))
      details.push({ in: 'query', pointer: pointerOf([name]), message: 'is given more than once' });
    if (isKnown(name) && isNumber(shape[name] as z.ZodType) && !/^\d{1,16}$/.test(all[0] ?? ''))
      details.push({ in: 'query', pointer: pointerOf([name]), message: 'must be a whole number' });
    values.set(name, isList(name) ? all : all[0]);
  }
  if (details.length > 0)
    throw new Problem(400, `the query is invalid: ${details[0]?.pointer} ${details[0]?.message}`, { details });
  if (of.query) return checked('query', of.query, Object.fromEntries(values));
  const [first] = values.keys();
  if (first !== undefined)
    throw new Problem(400, 'this resource has no query parameters', {
      details: [{ in: 'query', pointer: pointerOf([first]), message: 'is not known', hint: 'leave it out' }],
    });
  return {};
}

/** The body of a request. Throws a Problem as soon as it is longer than allowed. */
export async function rawBody(request: Request, most = maximumBytes): Promise<Uint8Array> {
  const tooLarge = () =>
    new Problem(413, `the body is longer than ${most} bytes`, { headers: { connection: 'close' } });
  if (Number(request.headers.get('content-length') ?? 0) > most) throw tooLarge();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > most) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** The checked JSON of a body, when the route takes JSON. */
export function bodyOf(of: AnyRoute, headers: Headers, raw: Uint8Array): unknown {
  const type = headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  const accepts = of.accepts ?? 'application/json';
  if (!of.body && of.accepts === undefined) {
    if (raw.length > 0) throw new Problem(400, 'this request takes no body');
    return undefined;
  }
  if (accepts !== '*/*' && type !== accepts && (raw.length > 0 || type !== undefined))
    throw new Problem(415, `the body is of type ${type ?? 'unknown'}, expected ${accepts}`, {
      hint: `send Content-Type: ${accepts}`,
      headers: { accept: accepts },
    });
  if (!of.body) return undefined;
  let value: unknown;
  try {
    value = raw.length === 0 ? {} : JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(raw));
  } catch (error) {
    throw problemBy(error, 400, 'the body is not JSON in UTF-8', {
      details: [{ in: 'body', pointer: '', message: 'is not JSON in UTF-8' }],
    });
  }
  return checked('body', of.body, value);
}

/** The checked fields of a form, in either encoding; empty ones count as left out. */
export async function checkedForm<T extends z.ZodObject>(
  schema: T,
  headers: Headers,
  raw: Uint8Array,
): Promise<z.output<T>> {
  const type = headers.get('content-type') ?? '';
  const fields = await new Response(new Uint8Array(raw), { headers: { 'content-type': type } })
    .formData()
    .catch((error: unknown) => {
      if (raw.length === 0) return [];
      throw problemBy(error, 400, 'the body is no form', {
        details: [{ in: 'body', pointer: '', message: 'is no form' }],
      });
    });
  const entries = [...fields].filter(([, value]) => value !== '');
  return checked('body', schema, Object.fromEntries(entries));
}
