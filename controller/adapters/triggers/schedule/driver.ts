import { z } from 'zod';
import type { Trigger } from '../../../domain/pipeline.ts';
import { milliseconds } from '../../../lib/duration.ts';
import { refusalOf } from '../../../lib/errors.ts';
import { duration } from '../../../pipeline/schema.ts';
import { calendarSchema } from '../../../schedule/calendar.ts';
import { cronWarnings, parseCron } from '../../../schedule/cron.ts';
import { jitterMs } from '../../../schedule/jitter.ts';
import { describeCron, describeTransition } from '../../../schedule/words.ts';
import { checkZone, transitions } from '../../../schedule/zone.ts';
import type { TriggerDriver } from '../../drivers.ts';
import { cronInstants, cronsOf, scheduleOf } from '../instants.ts';
import { type TimedCursor, timed, timedPoll } from '../timed.ts';

/** How far ahead transitions of a zone are looked for. Milliseconds. */
const aheadMs = 2 * 366 * 86_400_000;

const day = z.iso.date();
const spec = z.strictObject({
  schedule: z
    .union([z.string(), z.array(z.string()).min(1).max(20)])
    .describe('A cron expression of five fields (minute hour day month weekday) or a name such as @daily; or several'),
  zone: z.string().describe('The time zone of the expression, such as Europe/Moscow or UTC; there is no default'),
  dst: z
    .strictObject({
      gap: z.enum(['after', 'skip']).optional(),
      fold: z.enum(['first', 'both', 'last']).optional(),
    })
    .optional()
    .describe(
      'When clocks change. gap: a time that does not exist runs after the gap or is skipped. fold: of a time that occurs twice, the first, both or the last one runs. Left out: `after` and `first` for a fixed hour, `skip` and `both` for an hour that begins with *',
    ),
  calendar: z
    .strictObject({
      file: z.string(),
      on: z.enum(['skip', 'next-day']).default('skip'),
      content: z.unknown().optional(),
    })
    .optional()
    .describe(
      'A file with weekend and holidays, and what happens on them: the run is skipped, or waits for the next other day',
    ),
  jitter: duration.optional().describe('Each run starts up to so much later, the same for every server'),
  from: day.optional().describe('The first date, such as 2026-12-01'),
  until: day.optional().describe('The last date'),
  ...timed,
});
type Fields = z.output<typeof spec>;
const fieldsOf = (trigger: Trigger): Fields => trigger as unknown as Fields;

/** Fires at the instants of a cron expression in a time zone. */
export const scheduleTrigger: TriggerDriver = {
  kind: 'schedule',
  spec,
  includes: [{ field: 'calendar', spec: calendarSchema }],
  places: [{ at: ['calendar', 'file'], is: 'file' }],

  broken(trigger) {
    const { zone, calendar, from = '', until = '9999-12-31' } = fieldsOf(trigger);
    const problems = cronsOf(fieldsOf(trigger)).flatMap((cron) => refusal(['schedule'], () => parseCron(cron)));
    const ofCalendar =
      calendar?.content === undefined ? [] : refusal(['calendar'], () => calendarSchema.parse(calendar.content));
    if (until < from) problems.push({ at: ['until'], message: `${until} is before from: ${from}` });
    return [...problems, ...refusal(['zone'], () => checkZone(zone)), ...ofCalendar];
  },

  async poll(trigger, known, { pipeline, trigger: name }) {
    const { schedule, zone, dst, calendar, from, until, jitter, missed, within } = fieldsOf(trigger);
    const maximum = delayMs(trigger);
    const timing = {
      ...{ missed, within },
      definition: { schedule, zone, dst, calendar, from, until, jitter },
      instants: (after: number) => cronInstants(fieldsOf(trigger), after),
      delayOf: (key: string) => jitterMs(maximum, pipeline, name, key),
    };
    return timedPoll(timing, known.cursor as TimedCursor | undefined, known);
  },

  instants: (trigger, after) => cronInstants(fieldsOf(trigger), after),
  delayMs,

  describe(trigger) {
    const fields = fieldsOf(trigger);
    const { zone, calendar, jitter, from, until } = fields;
    const says = scheduleOf(fields).crons.map((cron) => describeCron(cron, zone));
    const more = [
      calendar && (calendar.on === 'skip' ? `not on days of ${calendar.file}` : `moved from days of ${calendar.file}`),
      jitter && `up to ${jitter} later`,
      from && `from ${from}`,
      until && `until ${until}`,
    ];
    return [says.join('; '), ...more.filter(Boolean)].join(', ');
  },

  remarks(trigger, now) {
    const schedule = scheduleOf(fieldsOf(trigger));
    const coming = transitions(schedule.zone, now, 2, now + aheadMs);
    const changes = coming.map(
      (each) =>
        describeTransition(schedule, each) ??
        `${new Date(each.at).toISOString().slice(0, 10)}: clocks change, no run is affected`,
    );
    const warnings = schedule.crons.flatMap(cronWarnings);
    return [
      ...warnings,
      ...(changes.length > 0 ? changes : [`${schedule.zone} has no change of clocks in the next two years`]),
    ];
  },
};

function delayMs(trigger: Trigger): number {
  const { jitter } = fieldsOf(trigger);
  return jitter === undefined ? 0 : milliseconds(jitter);
}

/** A problem of a field, if its value is refused. */
function refusal(at: readonly string[], check: () => unknown) {
  const message = refusalOf(check);
  return message === undefined ? [] : [{ at, message }];
}
