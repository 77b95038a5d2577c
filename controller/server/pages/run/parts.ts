import type { RunDocument } from '../../../app/views/documents.ts';
import type { Recorded } from '../../../domain/events.ts';
import type { RunState } from '../../../domain/state.ts';
import { type Html, html } from '../../../lib/html.ts';
import { iso } from '../../../lib/text.ts';
import type { Principal } from '../../http/route.ts';
import { shownEvent } from '../../routes/shared.ts';
import type { View } from '../frame/view.ts';
import { badge } from '../parts/state.ts';
import { table } from '../parts/table.ts';
import { bounded, isolated, linkTo, pathTo } from '../parts/text.ts';
import { moment } from '../parts/time.ts';

type Verdicts = RunDocument['checks'];

export const checksTable = ({ checks }: { readonly checks: Verdicts }, { t }: View): Html =>
  table({
    id: 'checks',
    caption: t.run.checks,
    head: [t.run.check, t.run.state, t.run.expect, t.run.because],
    rows: checks.map(({ name, outcome, expect, because }) => [
      isolated(name, 160),
      badge(outcome, t),
      html`<code>${isolated(expect, 300)}</code>`,
      isolated(because, 400),
    ]),
    empty: t.run.noChecks,
  });

export function sourcesTable({ run, sources }: RunDocument, { profiles = {} }: RunState, { t, can }: View): Html {
  const { run: words } = t;
  return table({
    id: 'sources',
    caption: words.sources,
    head: [words.source, words.read, words.valid, words.quarantined, words.duplicates, words.fresh, words.reason],
    rows: Object.entries(sources).map(([name, of]) => {
      const reasons = Object.entries(of.reasons).map(([reason, n]) => `${reason}: ${n}`);
      const link = profiles[name]?.quarantine !== undefined && can('data');
      const quarantined = bounded(String(of.quarantined));
      return [
        isolated(name, 120),
        of.rows,
        of.valid,
        link
          ? linkTo(`${pathTo('runs', run, 'quarantine')}?source=${encodeURIComponent(name)}`, quarantined)
          : of.quarantined,
        of.duplicates,
        of.new,
        reasons.length === 0 ? null : isolated(reasons.slice(0, 20).join('; '), 500),
      ];
    }),
    numbers: [1, 2, 3, 4, 5],
    empty: words.noSources,
  });
}

export const outputsTable = ({ outputs }: RunDocument, { t }: View): Html =>
  table({
    id: 'outputs',
    caption: t.run.outputs,
    head: [t.run.view, t.run.kind, t.run.where, t.run.rows],
    rows: outputs.map(({ view, kind, where, rows }) => [isolated(view), kind, isolated(where, 300), rows]),
    numbers: [3],
    empty: t.run.noOutputs,
  });

export const messagesTable = (messages: RunDocument['messages'], { t }: View): Html =>
  table({
    id: 'messages',
    caption: t.run.messages,
    head: [t.run.channel, t.run.event, t.run.to, t.run.state, t.run.note],
    rows: messages.map(({ channel, event, to, state, note }) => [
      isolated(channel, 60),
      isolated(event, 60),
      isolated(to),
      badge(state, t),
      note === undefined ? null : isolated(note, 400),
    ]),
    empty: t.run.noMessages,
  });

/** The plan: what each step is for, with which settings, and why. */
export function planPart({ plan }: Pick<RunState, 'plan'>, { t }: View): Html {
  if (!plan) return html`<section id="plan" data-live></section>`;
  return table({
    id: 'plan',
    caption: t.run.plan,
    head: [t.run.step, t.run.role, t.run.reason, t.run.settings],
    rows: Object.entries(plan.steps).map(([name, { role, reason, settings, why = {} }]) => [
      isolated(name, 120),
      badge(role, t),
      isolated(reason, 400),
      settings &&
        html`<dl>${Object.entries(settings)
          .filter(([, value]) => JSON.stringify(value) !== '{}')
          .map(
            ([key, value]) =>
              html`<dt>${key}</dt><dd><code>${bounded(typeof value === 'object' ? JSON.stringify(value) : String(value), 300)}</code>${why[key] !== undefined && html` <span class="faint">${isolated(why[key], 300)}</span>`}</dd>`,
          )}</dl>`,
    ]),
    empty: t.run.noPlan,
  });
}

/** As many events are shown; the API has all. */
const mostEvents = 100;

export function eventsPart(principal: Principal, history: readonly Recorded[], { t }: View): Html {
  const last = history.slice(-mostEvents).reverse();
  return html`<section id="history" data-live><details><summary>${t.run.events}: ${history.length}</summary>
${history.length > last.length && html`<p class="faint">${t.run.lastEvents(last.length, history.length)}</p>`}
${table({
  id: 'events',
  caption: t.run.events,
  head: ['#', t.run.time, t.run.type, t.run.details],
  rows: last.map(({ seq, at, event }) => {
    const { type, ...rest } = shownEvent(principal, event);
    return [seq, moment(iso(at)), type, html`<code>${bounded(JSON.stringify(rest), 600)}</code>`];
  }),
  empty: t.run.noEvents,
})}</details></section>`;
}
