import { expect, test } from 'vitest';
import type { AlertCase } from '../../controller/domain/alerts.ts';
import type { RunStore } from '../../controller/domain/ports/store.ts';

/** The contract of alerts in a store: `open` opens one for a project, `pass` lets its time pass. */
export function alertsContract(open: (name: string) => Promise<RunStore>, pass: (ms: number) => Promise<void>): void {
  let next = 0;
  const project = async () => {
    next += 1;
    const name = `alerts-${Date.now().toString(36)}-${next}`;
    return { name, store: await open(name) };
  };
  const late = (trigger: string): AlertCase => ({
    ...{ name: 'ScheduleLate', severity: 'critical', labels: { pipeline: 'p', trigger }, facts: { seconds: 200 } },
  });
  const mail = (id: string) => ({ id: `<${id}>`, event: 'alert', to: 'a@b', subject: 'It’s "late"' });

  test('an alert begins once, is changed by whoever knows it, and ends once; with its messages or not at all', async () => {
    const { name, store } = await project();
    expect(await store.changeAlerts(10, [{ begins: late('t'), sent: { 'email a@b': 10 } }], [mail(`${name}-1`)])).toBe(
      true,
    );
    // Another server is slower: neither its alerts nor its messages are there.
    const both = [
      { begins: late('u'), sent: {} },
      { begins: late('t'), sent: {} },
    ];
    expect(await store.changeAlerts(11, both, [mail(`${name}-2`)])).toBe(false);
    const [alert, ...others] = await store.alerts({ limit: 9 });
    expect(others).toEqual([]);
    const { id, seq } = alert ?? { id: 0, seq: 0 };
    expect(alert).toEqual({
      ...{ ...late('t'), id, seq, began: 10, ended: undefined, sent: { 'email a@b': 10 }, acknowledged: undefined },
    });
    const again = { of: { id, seq }, facts: { seconds: 300 }, sent: { 'email a@b': 20 } };
    expect(await store.changeAlerts(20, [again], [])).toBe(true);
    expect(await store.changeAlerts(20, [again], [mail(`${name}-3`)])).toBe(false);
    const [changed] = await store.alerts({ isOpen: true, limit: 9 });
    expect(changed).toMatchObject({ facts: { seconds: 300 }, sent: { 'email a@b': 20 } });
    const ends = { of: { id, seq: changed?.seq ?? 0 }, ends: true } as const;
    expect(await store.changeAlerts(30, [ends], [mail(`${name}-4`)])).toBe(true);
    expect(await store.changeAlerts(30, [ends], [mail(`${name}-5`)])).toBe(false);
    expect(await store.alerts({ isOpen: true, limit: 9 })).toEqual([]);
    expect(await store.alerts({ isOpen: false, limit: 9 })).toMatchObject([{ id, ended: 30, began: 10 }]);
    expect((await store.due()).map(({ message }) => message)).toEqual([mail(`${name}-1`), mail(`${name}-4`)]);
    // The same may begin again, as another alert.
    expect(await store.changeAlerts(40, [{ begins: late('t'), sent: {} }], [])).toBe(true);
    expect((await store.alerts({ limit: 9 })).map(({ began }) => began)).toEqual([40, 10]);
    expect((await store.alerts({ limit: 9, before: (id as number) + 1 })).map(({ began }) => began)).toEqual([10]);
    await store.close();
  });

  test('an alert is acknowledged once, and a change that did not know it is refused', async () => {
    const { store } = await project();
    await store.changeAlerts(10, [{ begins: late('t'), sent: {} }], []);
    const [{ id, seq } = { id: 0, seq: 0 }] = await store.alerts({ limit: 1 });
    expect(await store.acknowledgeAlert(id, 'anna', 15)).toBe(true);
    expect(await store.acknowledgeAlert(id, 'ben', 16)).toBe(false);
    expect(await store.changeAlerts(20, [{ of: { id, seq }, sent: {} }], [])).toBe(false);
    const [known] = await store.alerts({ limit: 1 });
    expect(known?.acknowledged).toEqual({ by: 'anna', at: 15 });
    expect(await store.changeAlerts(20, [{ of: { id, seq: known?.seq ?? 0 }, ends: true }], [])).toBe(true);
    expect(await store.acknowledgeAlert(id, 'ben', 25)).toBe(false);
    await store.close();
  });

  test('alerts and their messages are of their project, and are removed when they are old', async () => {
    const { name, store } = await project();
    const other = await open(`${name}-other`);
    await store.changeAlerts(10, [{ begins: late('t'), sent: {} }], [mail(`${name}-a`), mail(`${name}-b`)]);
    expect(await other.alerts({ limit: 9 })).toEqual([]);
    expect(await other.due()).toEqual([]);
    const [{ id, seq } = { id: 0, seq: 0 }] = await store.alerts({ limit: 1 });
    expect(await other.acknowledgeAlert(id, 'eve', 1)).toBe(false);
    expect(await other.changeAlerts(1, [{ of: { id, seq }, ends: true }], [])).toBe(false);
    await store.recordAttempt(`<${name}-a>`, 'sent', 0, 'taken');
    const { now, totals } = await store.vitals();
    expect(totals).toEqual([{ pipeline: '', name: 'messages', labels: ['email', 'sent'], n: 1 }]);
    await store.changeAlerts(now, [{ of: { id, seq }, ends: true }], []);
    await store.removeAlerts(now, 9);
    expect(await store.alerts({ limit: 9 })).toHaveLength(1);
    await pass(5);
    await other.removeAlerts(now + 1, 9);
    expect(await store.alerts({ limit: 9 })).toHaveLength(1);
    await store.removeAlerts(now + 1, 9);
    expect(await store.alerts({ limit: 9 })).toEqual([]);
    // What waits is still sent.
    expect((await store.due()).map(({ message }) => message.id)).toEqual([`<${name}-b>`]);
    await Promise.all([store.close(), other.close()]);
  });
}
