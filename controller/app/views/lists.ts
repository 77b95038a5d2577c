import { z } from 'zod';
import type { LifeState } from '../../domain/lifecycle.ts';
import type { Audited } from '../../domain/ports/audit.ts';
import type { RunSummary } from '../../domain/ports/store.ts';
import type { ApiToken } from '../../domain/ports/tokens.ts';
import { iso } from '../../lib/text.ts';
import { list, type PhaseDocument, type RunLine, time } from './documents.ts';
import type { Phase } from './timeline.ts';

/** An entry of `sluice token list --json`. */
export const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: list(z.string()),
    pipelines: list(z.string()),
    created: time.nullable(),
    by: z.string(),
    expires: time.nullable(),
    used: time.nullable(),
    revoked: time.nullable(),
  })
  .meta({ id: 'Token' });

/** An entry of `sluice audit --json`. */
export const auditSchema = z
  .object({
    number: z.int(),
    at: time.nullable(),
    by: z.string(),
    token: z.string().nullable(),
    address: z.string().nullable(),
    action: z.string(),
    target: z.string().nullable(),
    status: z.int(),
    detail: z.string().nullable(),
  })
  .meta({ id: 'Audited' });

/** A line of `sluice runs --json`. */
export const runLine = ({ started, ended, ...rest }: RunSummary): RunLine => {
  const { run, number, pipeline, state, branch, reason, quality, rows, coreSeconds, trigger } = rest;
  return {
    ...{ run, number, pipeline, state: state as LifeState },
    quality: quality ?? null,
    rows: rows ?? null,
    coreSeconds: coreSeconds ?? null,
    branch: branch || null,
    reason: reason ?? null,
    trigger: trigger ?? null,
    started: iso(started),
    ended: iso(ended),
  };
};

/** The timeline in `sluice show --json`. */
export const timelineDocument = (phases: readonly Phase[]): PhaseDocument[] =>
  phases.map(({ from, ms, ...rest }) => ({ ...rest, from: iso(from), ms: ms ?? null }));

/** A line of `sluice token list --json`: without the hash. */
export const tokenLine = ({ hash: _, ...token }: ApiToken): z.output<typeof tokenSchema> => ({
  ...token,
  created: iso(token.created),
  expires: iso(token.expires),
  used: iso(token.used),
  revoked: iso(token.revoked),
});

/** A line of `sluice audit --json`. */
export const auditLine = ({ at, token, address, target, detail, ...rest }: Audited): z.output<typeof auditSchema> => ({
  ...rest,
  at: iso(at),
  token: token ?? null,
  address: address ?? null,
  target: target ?? null,
  detail: detail ?? null,
});
