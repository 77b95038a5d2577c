import { parse, stringify } from 'yaml';
import { milliseconds } from '../../controller/lib/duration.ts';

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** How much quicker the time of rules passes. */
export interface Haste {
  readonly times: number;
  /** What is counted within a window must stay until all else has begun, too. */
  readonly windows: number;
  /** Outages of a test last as long as processes take. */
  readonly carried: number;
}

const shorter = (text: string, times: number): string => `${Math.round(milliseconds(text) / times)}ms`;

/** The rules with all of their times shorter: how long a condition lasts, windows, and limits of metrics in seconds. */
export function scaled(
  text: string,
  { times, windows, carried }: Haste,
): { readonly yaml: string; readonly alerts: string[] } {
  const file = parse(text) as { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
  const groups = file.groups.map((group) => ({
    ...group,
    rules: group.rules.map((rule) => ({
      ...rule,
      expr: rule.expr
        .replace(/\[(\w+)\]/g, (_, window: string) => `[${shorter(window, windows)}]`)
        .replace(
          /(_seconds(?:\{[^}]*\})?\)* > )(\d+)/g,
          (_, metric: string, limit: string) => metric + Number(limit) / times,
        ),
      ...(rule.for !== undefined && { for: shorter(rule.for, times) }),
      ...(rule.keep_firing_for !== undefined && { keep_firing_for: shorter(rule.keep_firing_for, carried) }),
    })),
  }));
  return {
    yaml: stringify({ groups }),
    alerts: groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? [])),
  };
}
