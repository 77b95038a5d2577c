import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { ApiToken } from '../../domain/ports/tokens.ts';
import { isSecretOf } from './token.ts';

/** How long a browser stays logged in. Milliseconds. */
export const sessionMs = 12 * 3_600_000;

const cipher = 'aes-256-gcm';
const bytes = { nonce: 12, tag: 16 } as const;
const form = /^([0-9A-Za-z]{1,32})\.(\d{1,15})\.([A-Za-z0-9_-]{50,200})$/;

const keyOf = ({ hash }: Pick<ApiToken, 'hash'>): Buffer =>
  Buffer.from(hkdfSync('sha256', Buffer.from(hash, 'hex'), '', 'sluice session', 32));

/**
 * A session of a browser: the secret of its token, encrypted by a key that the hash of the secret in the store gives.
 *
 * Every server that shares the store understands it, and nothing about it is stored. It ends with its token, and at its
 * own time. A cookie without the store does not reveal the token; the store without a cookie makes no session, as the
 * secret is in none of its rows. A key in each server's settings would be one more secret to share, a table of sessions
 * a write on each login. What it lacks: a single session cannot be ended before its time without its token.
 */
export function sealSession(token: Pick<ApiToken, 'id' | 'hash'>, secret: string, expires: number): string {
  const nonce = randomBytes(bytes.nonce);
  const about = `${token.id}.${expires}`;
  const sealing = createCipheriv(cipher, keyOf(token), nonce).setAAD(Buffer.from(about));
  const parts = [nonce, sealing.update(secret), sealing.final(), sealing.getAuthTag()];
  return `${about}.${Buffer.concat(parts).toString('base64url')}`;
}

/** The parts of a session; undefined when its form is wrong. */
export function parseSession(text: string): { readonly id: string; readonly expires: number } | undefined {
  const [, id, expires] = form.exec(text) ?? [];
  return id === undefined ? undefined : { id, expires: Number(expires) };
}

/** Whether a session was made with the secret of this token, and not changed. */
export function isSessionOf(token: Pick<ApiToken, 'id' | 'hash'>, text: string): boolean {
  const [, id, expires, sealed = ''] = form.exec(text) ?? [];
  const data = Buffer.from(sealed, 'base64url');
  if (id !== token.id || data.length <= bytes.nonce + bytes.tag) return false;
  const opening = createDecipheriv(cipher, keyOf(token), data.subarray(0, bytes.nonce), { authTagLength: bytes.tag })
    .setAAD(Buffer.from(`${id}.${expires}`))
    .setAuthTag(data.subarray(-bytes.tag));
  try {
    const secret = Buffer.concat([opening.update(data.subarray(bytes.nonce, -bytes.tag)), opening.final()]);
    return isSecretOf(token, secret.toString());
  } catch {
    return false;
  }
}
