import { createHash, randomInt, timingSafeEqual } from 'node:crypto';
import type { ApiToken, Scope } from '../../domain/ports/tokens.ts';
import { crc32c } from '../../lib/crc32c.ts';

/** `slu_ID_SECRET` with a checksum at its end. By the prefix, scanners find tokens that were published by mistake. */
const prefix = 'slu_';
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 43 digits of 62 hold 256 random bits. */
const lengths = { id: 8, secret: 43, sum: 6 } as const;
const form = new RegExp(
  `^${prefix}([0-9A-Za-z]{${lengths.id}})_([0-9A-Za-z]{${lengths.secret}})([0-9A-Za-z]{${lengths.sum}})$`,
);

const random = (length: number): string => Array.from({ length }, () => digits[randomInt(digits.length)]).join('');

function sumOf(text: string): string {
  let rest = crc32c(Buffer.from(text));
  let sum = '';
  for (let i = 0; i < lengths.sum; i++) {
    sum = digits[rest % digits.length] + sum;
    rest = Math.floor(rest / digits.length);
  }
  return sum;
}

export const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** The parts of a token; undefined when its form or its checksum is wrong. */
export function parseToken(text: string): { readonly id: string; readonly secret: string } | undefined {
  const [, id, secret, sum] = form.exec(text) ?? [];
  if (id === undefined || secret === undefined || sum !== sumOf(`${prefix}${id}_${secret}`)) return undefined;
  return { id, secret };
}

/** Whether a secret is that of a token. The time it takes does not depend on how much of it is right. */
export const isSecretOf = (token: Pick<ApiToken, 'hash'>, secret: string): boolean =>
  timingSafeEqual(Buffer.from(hashOf(secret), 'hex'), Buffer.from(token.hash, 'hex'));

/** The rights of a token, and who asks for it. */
export interface TokenWish {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Names of pipelines in which `*` stands for any text. */
  readonly pipelines: readonly string[];
  readonly expires?: number | undefined;
  readonly by: string;
}

/** A new token, to be stored, and its text, which is not stored and cannot be shown again. */
export function newToken(
  wish: TokenWish,
  now: number,
): {
  readonly text: string;
  readonly token: ApiToken;
} {
  const [id, secret] = [random(lengths.id), random(lengths.secret)];
  const never = { expires: undefined, used: undefined, revoked: undefined };
  const text = `${prefix}${id}_${secret}`;
  return {
    text: `${text}${sumOf(text)}`,
    token: { ...never, ...wish, id, hash: hashOf(secret), created: now },
  };
}
