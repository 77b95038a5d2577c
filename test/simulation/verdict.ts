import { fold } from '../../controller/domain/state.ts';
import { validAttempts } from '../../controller/domain/step-state.ts';
import type { World } from './world.ts';

/** The promises; each must have zero violations. */
export const promises = [
  'runs lost or stuck',
  'runs that ended otherwise than they should',
  'steps with two applications alive at the same time',
  'results published twice or half',
  'results published by a step that did not succeed, or missing of one that did',
  'events without a mail',
  'events with two different mails',
  'requests done twice',
  'histories out of order',
  'staging places left behind',
  'errors that nobody foresaw',
] as const;
export type Promised = (typeof promises)[number];
export type Broken = { readonly promise: Promised; readonly what: string };

/** Inspects a world from outside, and uses the history only for the expected results. */
export async function judge(world: World, settled: boolean): Promise<Broken[]> {
  const broken: Broken[] = world.unexpectedErrors.map((what) => ({ promise: 'errors that nobody foresaw', what }));
  const say = (promise: Broken['promise'], what: string): void => void broken.push({ promise, what });
  if (!settled) say('runs lost or stuck', 'not all came to an end');
  for (const [run, pipeline] of world.runs) {
    const history = await world.store.history(run);
    const state = fold(history);
    if (!state.ended) say('runs lost or stuck', run);
    for (const { event } of history)
      if (event.type === 'controller-failed') say('errors that nobody foresaw', `${run}: ${event.reason}`);
    const ends = history.filter(({ event }) => event.type === 'run-ended').length;
    const lives = Object.values(state.steps).flatMap((step) => step.attempts);
    const astray = state.status !== state.ended?.state || lives.some((each) => each.status !== each.ended?.state);
    if (astray || ends > 1 || history.some(({ seq, at }, i) => seq !== i + 1 || at < (history[i - 1]?.at ?? at)))
      say('histories out of order', run);

    const bad = Object.keys(state.steps).some(
      (step) => world.isBad(run, step) && pipeline.steps[step]?.spark && state.steps[step]?.attempts.length,
    );
    const should = bad ? ['failed'] : ['succeeded'];
    if (world.cancelled.has(run) || pipeline.concurrency === 'replace') should.push('cancelled');
    if (pipeline.concurrency === 'skip') should.push('skipped');
    // A newer run in parallel was faster; its published result is newer than this one.
    if (
      pipeline.concurrency === 'parallel' &&
      /already shows the result of a newer run/.test(state.ended?.reason ?? '')
    )
      should.push('failed');
    // One part is published, and the rest can no longer be computed from the same rows.
    if (/inputs-lost/.test(state.ended?.reason ?? '') && Object.values(state.steps).some((step) => step.outputs))
      should.push('failed');
    if (state.ended && !should.includes(state.ended.state))
      say('runs that ended otherwise than they should', `${run}: ${state.ended.state}, ${state.ended.reason}`);

    for (const step of Object.values(state.steps)) {
      const apps = [...world.cluster.applications, ...world.machine.applications].filter((app) =>
        app.key.startsWith(`sluice-${run}-${step.name}-`),
      );
      const overlap = apps.some((a, i) =>
        apps.slice(i + 1).some((b) => a.from < (b.until ?? Infinity) && b.from < (a.until ?? Infinity)),
      );
      if (overlap || apps.filter((app) => app.until === undefined).length > 0)
        say('steps with two applications alive at the same time', `${run} ${step.name}: ${JSON.stringify(apps)}`);
      const keys = step.attempts.map((attempt) => attempt.key);
      const published = world.sink.published.filter((each) => keys.includes(each.key));
      if (published.length > 1 || published.some((each) => each.rows.some((rows) => rows !== 7)))
        say('results published twice or half', `${run} ${step.name}: ${JSON.stringify(published)}`);
      const wants = (pipeline.steps[step.name]?.outputs.length ?? 0) > 0;
      const good = step.ended?.state === 'succeeded';
      const winner = validAttempts(step).find((attempt) => attempt.ended?.state === 'succeeded')?.key;
      const right = good && wants ? published.length === 1 && published[0]?.key === winner : published.length === 0;
      if (!right)
        say(
          'results published by a step that did not succeed, or missing of one that did',
          `${run} ${step.name}: ${step.ended?.state}, ${step.ended?.reason}`,
        );
    }
    for (const to of ['a@example.org', 'b@example.org']) {
      const mails = world.mailbox.mails.filter((mail) => mail.run === run && mail.to === to);
      if (mails.length === 0) say('events without a mail', `${run} to ${to}`);
      if (new Set(mails.map((mail) => JSON.stringify(mail))).size > 1)
        say('events with two different mails', `${run} to ${to}`);
    }
    const done = [...world.api.done.keys()].filter((key) => key.startsWith(`sluice-${run}-`)).length;
    if (done > 1) say('requests done twice', run);
  }
  if (world.disk.staged.size > 0) say('staging places left behind', [...world.disk.staged.keys()].join(', '));
  return broken;
}
