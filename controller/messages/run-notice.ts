import type { RunEnd } from '../domain/events.ts';
import { outputsOf } from '../domain/outcome.ts';
import { inLanguage } from '../domain/pipeline.ts';
import { multipliedJoins } from '../domain/result.ts';
import type { RunState } from '../domain/state.ts';
import { formatDuration } from '../lib/duration.ts';
import { iso } from '../lib/text.ts';
import { type Block, type Notice, tableOf } from './notice.ts';
import { type Language, type Words, words } from './words.ts';

const severityOf: Readonly<Record<RunEnd, Notice['severity']>> = {
  ...{ failed: 'error', degraded: 'warning', succeeded: 'info', skipped: 'info', cancelled: 'info' },
};

/** The notice of the end of a run; undefined for a run that has not ended. */
export function noticeOfRun(project: string, run: string, state: RunState, language: Language): Notice | undefined {
  const { pipeline, ended, plan, startedAt, report } = state;
  if (!pipeline || !ended) return undefined;
  const { name } = pipeline;
  return {
    ...{ key: `${run}\n${ended.state}`, event: ended.state, severity: severityOf[ended.state], at: ended.at },
    ...{ project, pipeline: name, run, title: words[language].subject[ended.state](name) },
    blocks: contentOf(run, state, language),
    incident: {
      ...{ name: 'RunFailed', labels: { pipeline: name }, severity: 'error', began: ended.at },
      isOver: ended.state !== 'failed',
    },
    data: {
      ...{ run, pipeline: name, state: ended.state, reason: ended.reason, branch: plan?.choice.branch ?? null },
      ...{ started: iso(startedAt), ended: iso(ended.at), quality: plan?.quality ?? null },
      outputs: outputsOf(state).map(({ view, rows, where }) => ({ view, rows, where })),
      report: report?.url ?? null,
    },
  };
}

const n = (value: number): string => value.toLocaleString('en').replaceAll(',', '\u00a0');

function contentOf(run: string, state: RunState, language: Language): Block[] {
  const t = words[language];
  const { pipeline, plan, profiles, ended, startedAt, report } = state;
  if (!ended) return [];
  const blocks: Block[] = [{ kind: 'lead', text: t.lead[ended.state] }];
  const branch = pipeline?.branches.find((each) => each.name === plan?.choice.branch);
  if (branch?.says !== undefined) blocks.push({ kind: 'lead', text: inLanguage(branch.says, language) });
  const figures = report?.figures ?? [];
  if (figures.length > 0)
    blocks.push({ kind: 'facts', title: t.figures, rows: figures.map(({ name, value }) => [name, value]) });
  if (report?.url !== undefined) blocks.push({ kind: 'link', title: t.report, url: report.url });
  if (report?.problem !== undefined) blocks.push({ kind: 'lead', text: `${t.reportProblem}: ${report.problem}` });
  blocks.push(...failures(run, state, t));
  blocks.push({
    kind: 'facts',
    rows: [
      [t.run, run],
      [t.branch, plan?.choice.branch ?? '—'],
      [t.reason, ended.reason],
      [t.took, formatDuration(ended.at - (startedAt ?? ended.at))],
      ...(plan ? [[t.quality, plan.quality.toFixed(4)] as const] : []),
    ],
  });
  const outputs = outputsOf(state);
  const published = outputs.map((o) => [o.view, n(o.rows), o.where]);
  blocks.push(...tableOf(t.outputs, ['', t.rows, ''], published));
  const broken = (plan?.verdicts ?? []).flatMap((verdict) =>
    verdict.outcome === 'passed' ? [] : [[verdict.name, verdict.because, t.verdict[verdict.outcome]]],
  );
  blocks.push(...tableOf(t.checks, ['', '', ''], broken));
  const joins = Object.values(state.steps)
    .flatMap(({ attempts }) => multipliedJoins(attempts.at(-1)?.result))
    .map((join) => [join.view, join.on ?? '—', `${n(join.left)} × ${n(join.right)} → ${n(join.rows)}`]);
  blocks.push(...tableOf(t.joins, ['', '', t.rows], joins));
  if (profiles) {
    const rows = Object.entries(profiles).map(([name, { measures: m }]) => [
      name,
      n(m.rows),
      n(m.valid),
      n(m.invalid),
      Object.entries(m.invalidByReason)
        .map(([reason, count]) => `${reason} ${n(count)}`)
        .join(', '),
    ]);
    blocks.push({
      kind: 'table',
      title: t.sources,
      head: [t.source, t.read, t.valid, t.quarantined, t.why],
      rows,
    });
  }
  return blocks;
}

/** The failed steps, including those that a fallback replaced: failure kind, log lines, attempts, next steps. */
function failures(run: string, state: RunState, t: Words): Block[] {
  const broken = Object.values(state.steps).filter(
    (step) => step.ended?.state === 'failed' || step.ended?.state === 'degraded',
  );
  const blocks = broken.flatMap<Block>((step) => {
    const last = step.attempts.at(-1);
    const kind = last?.failure?.kind;
    const rows: (readonly [string, string])[] = [[t.step, step.name]];
    if (kind) rows.push([t.failure, `${t.kinds[kind]} (${kind})`]);
    rows.push([t.tries, String(step.attempts.length)], [t.reason, step.ended?.reason ?? '']);
    const lines = last?.failure?.lines ?? [];
    return [{ kind: 'facts', rows }, ...(lines.length > 0 ? [{ kind: 'log' as const, title: t.log, lines }] : [])];
  });
  if (state.ended?.state !== 'failed') return blocks;
  const untouched: Block[] = outputsOf(state).length === 0 ? [{ kind: 'lead', text: t.untouched }] : [];
  return [
    ...blocks,
    ...untouched,
    { kind: 'log', title: t.further, lines: [`sluice show ${run}`, `sluice logs ${run}`] },
  ];
}
