import { describe, expect, test } from 'vitest';
import { deliveries, events } from '../../controller/demo/movements.ts';
import { defaultDefects, orderOf, payments, sharesOf, users } from '../../controller/demo/shop.ts';

const dirt = { ...defaultDefects, invalid: 0.1, tricky: 0.1 };

describe('the shop of a seed', () => {
  test('has exactly the requested number of rows', () => {
    for (const rows of [0, 1, 7, 1000, 999_999, 1_000_000]) {
      expect(Object.values(sharesOf(rows)).reduce((a, b) => a + b, 0)).toBe(rows);
    }
    expect(sharesOf(1_000_000)).toEqual({
      users: 50_000,
      orders: 200_000,
      payments: 220_000,
      deliveries: 200_000,
      events: 330_000,
    });
  });

  test('is the same each time, and differs for another seed', () => {
    const all = (seed: number) =>
      JSON.stringify([
        [...users(50, seed)],
        [...payments(50, 40, 50, seed, dirt)],
        [...deliveries(50, 40, 50, seed, dirt)],
        [...events(50, 40, 50, seed, dirt)],
        orderOf(7, 50, seed, dirt),
      ]);
    expect(all(1)).toBe(all(1));
    expect(all(2)).not.toBe(all(1));
  });

  test('has injected defects in about the requested shares', () => {
    const made = [...deliveries(20_000, 5000, 1000, 1, dirt)];
    const share = (planted: string) => made.filter((line) => line.planted === planted).length / made.length;
    expect(share('invalid')).toBeCloseTo(0.1, 1);
    expect(share('tricky')).toBeCloseTo(0.1, 1);
    const sent =
      [...events(20_000, 5000, 1000, 1, { ...dirt, duplicates: 0.2 })].filter((event) => event.planted).length / 20_000;
    expect(sent).toBeCloseTo(0.2, 1);
  });

  test('numbers the events of an order from 1 without gaps', () => {
    const seen = new Map<number, number[]>();
    for (const event of events(5000, 300, 100, 3, { ...dirt, duplicates: 0 })) {
      const { order_id, seq } = JSON.parse(event.json);
      seen.set(order_id, [...(seen.get(order_id) ?? []), seq]);
    }
    for (const numbers of seen.values()) expect(numbers).toEqual(numbers.map((_, i) => i + 1));
  });

  test('has Cyrillic names, several currencies, and payments for missing orders', () => {
    const people = [...users(200, 1)].map((user) => user.name);
    expect(people.some((name) => /[а-яё]/i.test(name)) && people.some((name) => /[a-z]/i.test(name))).toBe(true);
    const paid = [...payments(2000, 1500, 200, 1, { ...dirt, orphans: 0.1 })];
    expect(new Set(paid.map((payment) => payment.currency)).size).toBe(4);
    expect(paid.some((payment) => payment.order > 1500)).toBe(true);
  });
});
