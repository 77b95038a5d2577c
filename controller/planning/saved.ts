import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Pipeline } from '../domain/pipeline.ts';
import type { Plan, Profiles } from '../domain/plan.ts';
import type { CheckedProfiles } from '../domain/profile.ts';

/** A plan as `sluice plan --out` writes it: all that its run needs except the data. */
export interface SavedPlan extends CheckedProfiles {
  readonly sluice: 'plan/1';
  readonly file: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly pipeline: Pipeline;
  readonly plan: Plan;
  /** Distinguishes the project's own plans from edited and foreign ones. */
  readonly seal?: string;
}

const shape = z.looseObject({
  sluice: z.literal('plan/1'),
  file: z.string(),
  at: z.number(),
  pipeline: z.looseObject({ name: z.string() }),
  profiles: z.record(z.string(), z.looseObject({ measures: z.looseObject({}), pin: z.looseObject({}) })),
  findings: z.record(z.string(), z.looseObject({})),
  plan: z.looseObject({ verdict: z.string(), steps: z.looseObject({}) }),
});

/** The seal of a plan: an HMAC of its content, by the project's secret key. */
export function sealOf({ seal: _, ...plan }: SavedPlan, key: string): string {
  return createHmac('sha256', key).update(JSON.stringify(plan)).digest('hex');
}

export function isSealed(plan: SavedPlan, key: string): boolean {
  const [is, wanted] = [Buffer.from(plan.seal ?? ''), Buffer.from(sealOf(plan, key))];
  return is.length === wanted.length && timingSafeEqual(is, wanted);
}

/** Whether a document has the shape of a saved plan. Its seal decides whether its content can be trusted. */
export const isSavedPlan = (document: unknown): document is SavedPlan => shape.safeParse(document).success;

/** The profiles without the snapshots that exist for the plan alone. */
export const planned = (profiles: Profiles): Profiles =>
  Object.fromEntries(
    Object.entries(profiles).map(([name, { quarantine: _, ...profile }]) => {
      const { kept: _kept, log: _log, ...pin } = profile.pin;
      return [name, { ...profile, pin }];
    }),
  );

/**
 * The changes since a plan was made, one sentence a source; empty when there are none. `now` must be profiled with the
 * saved profiles as the previous ones, so that its new rows are unknown to the plan.
 */
export function changesSince({ profiles, findings }: SavedPlan, now: CheckedProfiles): string[] {
  const changes: string[] = [];
  for (const [name, { measures: was }] of Object.entries(profiles)) {
    const is = now.profiles[name]?.measures;
    if (!is) changes.push(`${name} was removed`);
    else if (is.new > 0) changes.push(`${name}: ${is.new} rows are new or have changed`);
    else if (is.rows !== was.rows) changes.push(`${name}: ${is.rows} rows instead of ${was.rows}`);
    else if (is.invalid !== was.invalid) changes.push(`${name}: ${is.invalid} invalid rows instead of ${was.invalid}`);
  }
  for (const [name, { rows }] of Object.entries(findings)) {
    const is = now.findings[name]?.rows ?? 0;
    if (is !== rows) changes.push(`check "${name}": ${is} rows fail it instead of ${rows}`);
  }
  return changes;
}
