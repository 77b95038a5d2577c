import type { TriggerDocument } from '../../../app/views/triggers.ts';
import type { Alert } from '../../../domain/alerts.ts';
import type { PostedMessage } from '../../../domain/ports/outbox.ts';
import type { RunSummary } from '../../../domain/ports/store.ts';
import { type Html, html } from '../../../lib/html.ts';
import { iso } from '../../../lib/text.ts';
import { grants } from '../../doors/authenticate.ts';
import { type Asking, seenPipelines } from '../../routes/shared.ts';
import { acknowledgement, alertLine, alertsOf } from '../blocks/alerts.ts';
import type { View } from '../frame/view.ts';
import { sendButton } from '../parts/forms.ts';
import { badge, kindOfState } from '../parts/state.ts';
import { isolated, linkTo, pathTo } from '../parts/text.ts';
import { ago, moment } from '../parts/time.ts';

/** A pipeline, with its last runs, the newest first. */
export interface Row {
  readonly name: string;
  readonly problem: string | undefined;
  readonly runs: readonly RunSummary[];
}

/** Alerts about what the page shows in more detail. */
const shownBesides = new Set([
  ...['RunFailed', 'PipelineBroken', 'ScheduleLate', 'TriggerFailing', 'TriggerStopped', 'TriggerHeld'],
  'MessagesRefused',
]);
/** A trigger that owes for longer needs a person: a server looks each second. Milliseconds. */
const longOwedMs = 60_000;
/** Refused messages need a person for so long; the page of messages has all of them. */
const refusedMs = 7 * 86_400_000;
const mostRefused = 20;

/** A matter for a person: how bad it is, what it is, and what can be done. */
interface Need {
  readonly state: string;
  readonly says: Html;
  readonly ways: readonly (Html | false)[];
}

/** The last run of a pipeline that has ended. */
const lastEnded = ({ runs }: Row): RunSummary | undefined => runs.find(({ ended }) => ended !== undefined);
const pipelineLink = (name: string): Html => linkTo(pathTo('pipelines', name), name);

function failedNeeds(rows: readonly Row[], { t, can }: View): Need[] {
  const o = t.overview;
  return rows.flatMap((row): Need[] => {
    const run = lastEnded(row);
    if (run?.state !== 'failed') return [];
    const path = pathTo('runs', run.run);
    const says = html`${pipelineLink(row.name)}: ${linkTo(path, o.failedRun)}, ${ago(iso(run.ended))}: ${isolated(run.reason ?? '', 300)}`;
    const acts = can('runs:write') && [
      sendButton(`${pathTo('pipelines', row.name)}:plan`, t.pipelines.plan),
      sendButton(`${path}:retry`, t.run.again, { kind: 'main' }),
    ];
    return [{ state: 'failed', says, ways: [html`<a href="${path}#steps">${o.stepsAndLogs}</a>`, ...(acts || [])] }];
  });
}

const brokenNeeds = (rows: readonly Row[], { t }: View): Need[] =>
  rows.flatMap(({ name, problem }): Need[] => {
    if (problem === undefined) return [];
    const says = html`${pipelineLink(name)}: ${t.overview.brokenFile}: ${isolated(problem.replaceAll('\n', '; '), 400)}`;
    return [{ state: 'failing', says, ways: [] }];
  });

/** Messages that were refused within some days, those to one recipient by one channel as one. */
async function refusedNeeds({ api, principal }: Asking, { t, now }: View): Promise<Need[]> {
  const found = await api.store.posted({ ...seenPipelines(principal), only: 'refused', limit: 200 });
  const recent = found.filter(({ entered }) => now - entered < refusedMs);
  const byRecipient = new Map<string, PostedMessage[]>();
  for (const each of recent) {
    const key = JSON.stringify([each.channel, each.to]);
    byRecipient.set(key, [...(byRecipient.get(key) ?? []), each]);
  }
  return [...byRecipient.values()].slice(0, mostRefused).flatMap((all): Need[] => {
    const [last] = all;
    if (!last) return [];
    const { channel, to, note = '', run, pipeline = '' } = last;
    const about = run !== undefined && html`${linkTo(pathTo('runs', run), pipeline)}: `;
    const says = html`${about}${t.overview.refusedMessages(all.length)}: ${isolated(channel, 60)} ${isolated(to, 80)}. ${isolated(note, 200)}`;
    return [{ state: 'refused', says, ways: [html`<a href="/messages">${t.nav.messages}</a>`] }];
  });
}

function triggerNeeds(triggers: readonly TriggerDocument[], { t, now, can }: View): Need[] {
  return triggers.flatMap((each): Need[] => {
    const { pipeline, trigger, state, problem, paused, owed, owedSince } = each;
    const owes = owedSince !== null && now - Date.parse(owedSince) > longOwedMs;
    if ((state === 'active' || state === 'gone') && !owes) return [];
    const path = pathTo('pipelines', pipeline, 'triggers', trigger);
    const says = html`${linkTo(path, `${pipeline} ${trigger}`)}${
      paused &&
      html` ${t.triggers.pausedBy} ${isolated(paused.by, 60)}, ${ago(paused.since)}${paused.reason !== null && html`: ${isolated(paused.reason, 200)}`}`
    }${owes && html` ${t.overview.owes(owed)}, ${t.overview.since} ${moment(owedSince)}`}${problem !== null && html`: ${isolated(problem, 300)}`}`;
    const ways = can('triggers:write') && paused !== null && [sendButton(`${path}:resume`, t.triggers.resume)];
    return [{ state: owes && state === 'active' ? 'owed' : state, says, ways: ways || [] }];
  });
}

const alertNeeds = (alerts: readonly Alert[], { principal }: Asking, view: View): Need[] =>
  alerts
    .filter(({ name }) => !shownBesides.has(name))
    .map((alert) => ({
      state: alert.severity,
      says: alertLine(alert, view),
      ways: [acknowledgement(alert, view, grants(principal, 'triggers:write')) ?? false],
    }));

/** What a person has to look at, with what can be done: runs, alerts, files, triggers and messages. */
export async function needsPart(
  asking: Asking,
  rows: readonly Row[],
  triggers: readonly TriggerDocument[],
  view: View,
): Promise<Html> {
  const { t } = view;
  const o = t.overview;
  const [alerts, refused] = await Promise.all([alertsOf(asking, true), refusedNeeds(asking, view)]);
  const needs = [
    ...failedNeeds(rows, view),
    ...alertNeeds(alerts, asking, view),
    ...brokenNeeds(rows, view),
    ...triggerNeeds(triggers, view),
    ...refused,
  ];
  const line = ({ state, says, ways }: Need): Html =>
    html`<li class="notice ${kindOfState(state)}"><div>${badge(state, t)} ${says}</div><div class="row">${ways}</div></li>`;
  return html`<section id="needs" data-live aria-labelledby="needs-title" data-says="${o.needs}: ${needs.length}"><h2 id="needs-title">${o.needs}</h2>
${needs.length === 0 ? html`<p class="notice"><span class="good" aria-hidden="true">✓</span> ${o.nothing}</p>` : html`<ul class="needs">${needs.map(line)}</ul>`}</section>`;
}
