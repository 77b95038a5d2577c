import type { Alert } from '../../controller/domain/alerts.ts';
import type { AlertStore } from '../../controller/domain/ports/alerts.ts';
import type { Message } from '../../controller/domain/ports/notifier.ts';

interface Outbox {
  readonly post: (messages: readonly Message[]) => void;
  readonly removeMessages: (before: number) => void;
}

/** Alerts in memory, a part of the fake store: a function of the project. */
export function memoryAlerts(): (project: string, outbox: Outbox) => AlertStore {
  const all = new Map<string, Alert[]>();
  let last = 0;
  return (project, { post, removeMessages }) => {
    const own = (): Alert[] => all.get(project) ?? [];
    const keyOf = ({ name, labels }: Pick<Alert, 'name' | 'labels'>): string => JSON.stringify([name, labels]);
    return {
      alerts: async ({ isOpen, before = Number.POSITIVE_INFINITY, limit }) =>
        structuredClone(own())
          .filter(({ id, ended }) => id < before && (isOpen ?? ended === undefined) === (ended === undefined))
          .sort((a, b) => b.id - a.id)
          .slice(0, limit),
      async changeAlerts(at, changes, messages) {
        let next = own();
        for (const change of changes) {
          if ('begins' in change) {
            const isThere = next.some((each) => each.ended === undefined && keyOf(each) === keyOf(change.begins));
            if (isThere) return false;
            last += 1;
            const began = { id: last, seq: 1, began: at, ended: undefined, acknowledged: undefined };
            next = [...next, structuredClone({ ...change.begins, ...began, sent: change.sent })];
            continue;
          }
          const { of, facts, sent, ends } = change;
          const before = next.find(({ id, seq, ended }) => id === of.id && seq === of.seq && ended === undefined);
          if (!before) return false;
          const after = {
            ...{ ...before, seq: before.seq + 1, facts: facts ?? before.facts, sent: sent ?? before.sent },
            ended: ends ? at : undefined,
          };
          next = next.map((each) => (each === before ? structuredClone(after) : each));
        }
        all.set(project, next);
        post(messages);
        return true;
      },
      async acknowledgeAlert(id, by, at) {
        const before = own().find((each) => each.id === id && each.ended === undefined && !each.acknowledged);
        if (!before) return false;
        const after = { ...before, seq: before.seq + 1, acknowledged: { by, at } };
        all.set(
          project,
          own().map((each) => (each === before ? after : each)),
        );
        return true;
      },
      async removeAlerts(before, limit) {
        const gone = own()
          .filter(({ ended = Number.POSITIVE_INFINITY }) => ended < before)
          .slice(0, limit);
        all.set(
          project,
          own().filter((each) => !gone.includes(each)),
        );
        removeMessages(before);
      },
    };
  };
}
