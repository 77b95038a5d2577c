import type { Audited } from '../../domain/ports/audit.ts';
import type { ApiToken } from '../../domain/ports/tokens.ts';
import type { Row } from './summary.ts';

/** The shortest time between two records of a token's use. Milliseconds. */
export const usedPauseMs = 60_000;

/** A token from its row. */
export const tokenOf = ({ id, name, hash, scopes, pipelines, created, by, expires, used, revoked }: Row): ApiToken => ({
  id,
  name,
  hash,
  scopes,
  pipelines,
  created,
  by,
  expires: expires ?? undefined,
  used: used ?? undefined,
  revoked: revoked ?? undefined,
});

/** An entry of the audit log from its row. */
export const auditedOf = ({ number, at, by, token, address, action, target, status, detail }: Row): Audited => ({
  number,
  at,
  by,
  token: token ?? undefined,
  address: address ?? undefined,
  action,
  target: target ?? undefined,
  status,
  detail: detail ?? undefined,
});
