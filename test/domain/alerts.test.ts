import { describe, expect, test } from 'vitest';
import type { Alert, AlertCase, AlertChange } from '../../controller/domain/alerts.ts';
import { judge, type Recipient } from '../../controller/domain/alerts.ts';

const hour = 3_600_000;
const failed = (pipeline: string, severity: AlertCase['severity'] = 'error'): AlertCase => ({
  ...{ name: 'RunFailed', severity, labels: { pipeline }, facts: {} },
});
const anna: Recipient = { id: 'email anna', accepts: () => true, repeatMs: 4 * hour, isProgram: false };
const prometheus: Recipient = { id: 'alertmanager am', accepts: () => true, repeatMs: hour / 12, isProgram: true };

/** Plays judgements one after the other, as the store keeps their changes. Returns what is told: `begins p → anna`. */
function played(recipients: readonly Recipient[]) {
  let open: Alert[] = [];
  let last = 0;
  return (now: number, found: readonly AlertCase[], { isQuiet = false, isUndecided = false } = {}): string[] => {
    const { changes, tellings } = judge({
      ...{ now, open, found, recipients, isQuiet },
      isUndecided: () => isUndecided,
    });
    const apply = (change: AlertChange): void => {
      if ('begins' in change) {
        last += 1;
        const began = { id: last, seq: 1, began: now, ended: undefined, acknowledged: undefined };
        open = [...open, { ...change.begins, ...began, sent: change.sent }];
      } else if (change.ends) open = open.filter(({ id }) => id !== change.of.id);
      else open = open.map((each) => (each.id === change.of.id ? { ...each, sent: change.sent ?? each.sent } : each));
    };
    changes.forEach(apply);
    return tellings.map(({ is, alert, recipient }) => `${is} ${alert.labels.pipeline} → ${recipient}`);
  };
}

describe('an alert', () => {
  test('begins once, lasts in silence until it is repeated, and ends once', () => {
    const at = played([anna]);
    expect(at(0, [failed('p')])).toEqual(['begins p → email anna']);
    expect(at(hour, [failed('p')])).toEqual([]);
    expect(at(4 * hour, [failed('p')])).toEqual(['lasts p → email anna']);
    expect(at(5 * hour, [failed('p'), failed('q')])).toEqual(['begins q → email anna']);
    expect(at(6 * hour, [failed('q')])).toEqual(['ends p → email anna']);
    expect(at(7 * hour, [failed('q')])).toEqual([]);
    expect(at(8 * hour, [failed('p'), failed('q')])).toEqual(['begins p → email anna']);
  });

  test('in quiet hours is told afterwards, if it still lasts; a critical one at once', () => {
    const at = played([anna, prometheus]);
    const all = [failed('p'), failed('late', 'critical')];
    expect(at(0, all, { isQuiet: true })).toEqual([
      'begins p → alertmanager am',
      'begins late → email anna',
      'begins late → alertmanager am',
    ]);
    expect(at(1, [failed('p'), failed('short'), ...all.slice(1)], { isQuiet: true })).toEqual([
      'begins short → alertmanager am',
    ]);
    // It was told to the program alone, and ends for that alone.
    expect(at(2, all, { isQuiet: true })).toEqual(['ends short → alertmanager am']);
    expect(at(3, all)).toEqual(['begins p → email anna']);
    expect(at(4, [], { isQuiet: true })).toEqual([
      'ends p → email anna',
      'ends p → alertmanager am',
      'ends late → email anna',
      'ends late → alertmanager am',
    ]);
  });

  test('that is acknowledged is not repeated to people; programs are told, and its end is told to all', () => {
    const alert: Alert = {
      ...{ ...failed('p'), id: 1, seq: 2, began: 0, ended: undefined, acknowledged: { by: 'anna', at: 1 } },
      sent: { 'email anna': 0, 'alertmanager am': 0 },
    };
    const judged = (now: number, found: readonly AlertCase[]) =>
      judge({
        ...{ now, found, open: [alert], recipients: [anna, prometheus], isQuiet: false },
        isUndecided: () => false,
      }).tellings.map(({ is, recipient }) => `${is} ${recipient}`);
    expect(judged(9 * hour, [failed('p')])).toEqual(['lasts alertmanager am']);
    expect(judged(9 * hour, [])).toEqual(['ends email anna', 'ends alertmanager am']);
  });

  test('that cannot be judged stays as it is', () => {
    const at = played([anna]);
    at(0, [failed('p')]);
    expect(at(1, [], { isUndecided: true })).toEqual([]);
    expect(at(2, [])).toEqual(['ends p → email anna']);
  });

  test('is told to those who take it, also when they are added while it lasts', () => {
    const ben: Recipient = { ...anna, id: 'slack ben', accepts: ({ labels }) => labels.pipeline === 'q' };
    const { tellings } = judge({
      ...{ now: 5, found: [failed('p'), failed('q')], recipients: [anna, ben], isQuiet: false },
      open: [
        {
          ...failed('q'),
          id: 1,
          seq: 1,
          began: 0,
          ended: undefined,
          acknowledged: undefined,
          sent: { 'email anna': 0 },
        },
      ],
      isUndecided: () => false,
    });
    expect(
      tellings.map(({ is, recipient, alert }) => `${is} ${alert.labels.pipeline} ${recipient} ${alert.began}`),
    ).toEqual(['begins q slack ben 0', 'begins p email anna 5']);
  });
});
