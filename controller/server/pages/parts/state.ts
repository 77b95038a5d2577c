import { type Html, html } from '../../../lib/html.ts';
import type { PageWords } from '../words/words.ts';

/** States of runs, steps, attempts, triggers, firings and messages: the sign, and whether it is good or bad. */
const looks: Readonly<Record<string, readonly [sign: string, kind: 'good' | 'bad' | 'warn' | 'busy' | 'idle']>> = {
  ...{ succeeded: ['✓', 'good'], degraded: ['◐', 'warn'], failed: ['✗', 'bad'], skipped: ['∅', 'idle'] },
  ...{ cancelled: ['⊘', 'idle'], pending: ['…', 'idle'], running: ['▸', 'busy'], cancelling: ['▸', 'warn'] },
  ...{ submitting: ['▸', 'busy'], lost: ['?', 'bad'], unknown: ['?', 'idle'] },
  ...{ active: ['✓', 'good'], paused: ['‖', 'warn'], held: ['‖', 'warn'], failing: ['✗', 'bad'], gone: ['⊘', 'idle'] },
  ...{ started: ['✓', 'good'], joined: ['✓', 'good'], refused: ['✗', 'bad'], owed: ['!', 'warn'] },
  ...{ 'to-come': ['○', 'idle'], missed: ['✗', 'bad'], sent: ['✓', 'good'], waiting: ['…', 'idle'] },
  ...{ passed: ['✓', 'good'], warn: ['!', 'warn'], fail: ['✗', 'bad'], quarantine: ['!', 'warn'] },
  ...{ critical: ['✗', 'bad'], error: ['✗', 'bad'], warning: ['!', 'warn'] },
  ...{ kept: ['✓', 'good'], 'at-risk': ['!', 'warn'], broken: ['✗', 'bad'] },
  ...{ up: ['✓', 'good'], down: ['✗', 'bad'], external: ['○', 'idle'], ready: ['✓', 'good'], measuring: ['▸', 'busy'] },
};

export const signOf = (state: string): string => looks[state]?.[0] ?? '•';
export const kindOfState = (state: string): string => looks[state]?.[1] ?? 'idle';

/** A state: a sign and a word; its colour only repeats them. */
export function badge(state: string, { states }: PageWords): Html {
  const word = Object.hasOwn(states, state) ? states[state as keyof typeof states] : state.slice(0, 40);
  return html`<span class="state ${kindOfState(state)}"><span aria-hidden="true">${signOf(state)}</span> ${word}</span>`;
}

/** Whether the reason of a run in this state is news: one that goes well says only which branch it takes. */
export const isTelling = (state: string): boolean => !['pending', 'running', 'succeeded'].includes(state);
