import { z } from 'zod';
import { isStorable } from '../../../lib/storable.ts';
import type { AnyRoute } from '../../http/route.ts';
import { triggerActions } from '../../routes/trigger-actions.ts';
import { action, answerTo, noticed } from '../frame/page.ts';
import { pathTo } from '../parts/text.ts';
import type { Notice } from '../words/words.ts';
import { calendarPage } from './calendar.ts';
import { triggersPage } from './list.ts';
import { rangeBody, rangeFields, rangePage } from './range.ts';
import { triggerPage } from './trigger.ts';
import { triggerPageParams as params, triggerPagePath } from './trigger-path.ts';

interface Named {
  readonly pipeline: string;
  readonly trigger: string;
}
const back = ({ pipeline, trigger }: Named, notice: Notice): string =>
  noticed(pathTo('pipelines', pipeline, 'triggers', trigger), notice);

const pauseForm = action({
  name: 'pauseTriggerForm',
  path: `${triggerPagePath}:pause`,
  scope: 'triggers:write',
  summary: 'Pauses a trigger',
  params,
  form: { reason: z.string().max(200).refine(isStorable, 'must be text without NUL').optional() },
  async perform(asked) {
    const { reason } = asked.form;
    const body = reason === undefined ? {} : { reason };
    await answerTo(triggerActions.pauseTrigger, asked, { params: asked.params, body });
    return back(asked.params, 'paused');
  },
});

const resumeForm = action({
  name: 'resumeTriggerForm',
  path: `${triggerPagePath}:resume`,
  scope: 'triggers:write',
  summary: 'Ends the pause of a trigger',
  params,
  async perform(asked) {
    await answerTo(triggerActions.resumeTrigger, asked, { params: asked.params });
    return back(asked.params, 'unpaused');
  },
});

const skipForm = action({
  name: 'skipOwedForm',
  path: `${triggerPagePath}:skip`,
  scope: 'triggers:write',
  summary: 'Enters what a trigger owes as skipped',
  params,
  async perform(asked) {
    await answerTo(triggerActions.skipOwed, asked, { params: asked.params });
    return back(asked.params, 'skipped');
  },
});

const resetForm = action({
  name: 'resetTriggerForm',
  path: `${triggerPagePath}:reset`,
  scope: 'triggers:write',
  summary: 'Forgets what a trigger has accounted for',
  params,
  async perform(asked) {
    await answerTo(triggerActions.resetTrigger, asked, { params: asked.params });
    return back(asked.params, 'reset');
  },
});

const fireForm = action({
  name: 'fireTriggerForm',
  path: `${triggerPagePath}:fire`,
  scope: 'triggers:write',
  summary: 'Fires a trigger now, or for the instants of a range',
  params,
  form: { from: rangeFields.from.optional(), to: rangeFields.to.optional(), only: rangeFields.only },
  async perform(asked) {
    const { from, to } = asked.form;
    const isRange = from !== undefined || to !== undefined;
    const body = isRange ? rangeBody(asked.form) : {};
    const { items } = await answerTo(triggerActions.fireTrigger, asked, { params: asked.params, body });
    const run = items.find((each) => each.run !== null)?.run;
    return run && !isRange ? noticed(pathTo('runs', run), 'fired') : back(asked.params, 'fired');
  },
});

/** Triggers, and what is done with them. */
export const triggerPages: readonly AnyRoute[] = [
  triggersPage,
  calendarPage,
  triggerPage,
  rangePage,
  pauseForm,
  resumeForm,
  skipForm,
  resetForm,
  fireForm,
];
