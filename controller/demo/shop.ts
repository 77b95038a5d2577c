import { pick, pickWeighted, randomOf } from './random.ts';

/** The injected defects, as fractions from 0 to 1. */
export interface Defects {
  /** Of deliveries: malformed date, missing order id, unknown status, too few columns. */
  readonly invalid: number;
  /** Of deliveries: quotes, commas and line breaks within a field. They are valid. */
  readonly tricky: number;
  /** Of events: duplicates. */
  readonly duplicates: number;
  /** Of events: sent before an earlier one. */
  readonly outOfOrder: number;
  /** Of orders: without a payment. */
  readonly unpaid: number;
  /** Of payments: without an order. */
  readonly orphans: number;
  /** Of users: without orders. */
  readonly idle: number;
}
export const defaultDefects: Defects = {
  invalid: 0.004,
  tricky: 0.01,
  duplicates: 0.01,
  outOfOrder: 0.02,
  unpaid: 0.05,
  orphans: 0.003,
  idle: 0.15,
};

/** Splits a total of rows: 5 % users, 20 % orders, 22 % payments, 20 % deliveries, the rest events. */
export function sharesOf(rows: number): {
  users: number;
  orders: number;
  payments: number;
  deliveries: number;
  events: number;
} {
  const users = Math.floor(rows * 0.05);
  const orders = Math.floor(rows * 0.2);
  const payments = Math.floor(rows * 0.22);
  const deliveries = Math.floor(rows * 0.2);
  return { users, orders, payments, deliveries, events: rows - users - orders - payments - deliveries };
}

const firstDay = Date.UTC(2025, 10, 1);
const days = 365;
export const hour = 3_600_000;

const names = {
  latin: [
    ['Anna', 'Peter', 'Maria', 'John', 'Elena', 'Lukas', 'Sofia', 'David'],
    ['Berg', 'Novak', 'Silva', 'Smith', 'Rossi', 'Weber', 'O’Neil', 'Garcia'],
  ],
  cyrillic: [
    ['Анна', 'Пётр', 'Мария', 'Иван', 'Елена', 'Алёна', 'Юрий', 'Дмитрий'],
    ['Смирнов', 'Щербак', 'Кузнец', 'Ёлкин', 'Соколенко', 'Цой', 'Жук', 'Быстрых'],
  ],
} as const;
const cities = [
  ['Москва', 30],
  ['Санкт-Петербург', 18],
  ['Казань', 9],
  ['Екатеринбург', 9],
  ['Новосибирск', 8],
  ['Алматы', 7],
  ['Berlin', 6],
  ['Tbilisi', 5],
  ['Belgrade', 4],
  ['Sankt Gallen', 1],
] as const;
const currencies = [
  ['RUB', 80],
  ['USD', 8],
  ['EUR', 7],
  ['KZT', 5],
] as const;
const perRouble = { RUB: 1, USD: 1 / 90, EUR: 1 / 98, KZT: 1 / 0.19 } as const;

/** `2026-01-31 10:20:30`, UTC. */
export const stamp = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

export interface User {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly city: string;
  readonly registered: number;
}

export function* users(count: number, seed: number): Generator<User> {
  const random = randomOf(seed, 'users');
  for (let id = 1; id <= count; id++) {
    const [first, last] = random() < 0.6 ? names.cyrillic : names.latin;
    const name = `${pick(random, first)} ${pick(random, last)}`;
    yield {
      id,
      name,
      email: `user${id}@example.org`,
      city: pickWeighted(random, cities),
      registered: firstDay - Math.floor(random() * 700 * 24) * hour,
    };
  }
}

export interface Order {
  readonly id: number;
  readonly user: number;
  readonly status: string;
  readonly amount: number;
  readonly currency: string;
  readonly created: number;
}

/** An order, computed from its id alone: payments, deliveries and events need no stored orders. */
export function orderOf(id: number, userCount: number, seed: number, defects: Defects): Order {
  const random = randomOf(seed + id * 7919, 'order');
  const buyers = Math.max(1, Math.floor(userCount * (1 - defects.idle)));
  // Few users buy often: the square favours low ids.
  const user = 1 + Math.floor(random() ** 2 * buyers);
  const currency = pickWeighted(random, currencies);
  const amount = Math.round((300 + random() ** 3 * 60_000) * perRouble[currency] * 100) / 100;
  const status = pickWeighted(random, [
    ['completed', 70],
    ['open', 20],
    ['cancelled', 10],
  ] as const);
  return { id, user, status, amount, currency, created: firstDay + Math.floor(random() * days * 24 * 3600) * 1000 };
}

export interface Payment {
  readonly id: number;
  readonly order: number;
  readonly amount: number;
  readonly currency: string;
  readonly status: string;
  readonly paid: number;
}

export function* payments(
  count: number,
  orderCount: number,
  userCount: number,
  seed: number,
  defects: Defects,
): Generator<Payment> {
  const random = randomOf(seed, 'payments');
  const payers = Math.max(1, Math.floor(orderCount * (1 - defects.unpaid)));
  for (let id = 1; id <= count; id++) {
    const orphan = random() < defects.orphans || orderCount === 0;
    // One payment for every paid order, then second ones for some: refunds and instalments.
    const order = orderOf(id <= payers ? id : 1 + Math.floor(random() * payers), userCount, seed, defects);
    const part = id > payers ? 0.5 : 1;
    yield {
      id,
      order: orphan ? orderCount + 1 + Math.floor(random() * 1e6) : order.id,
      amount: Math.round(order.amount * part * 100) / 100,
      currency: order.currency,
      status: pickWeighted(
        random,
        id > payers
          ? ([
              ['refunded', 70],
              ['paid', 20],
              ['failed', 10],
            ] as const)
          : ([
              ['paid', 92],
              ['pending', 4],
              ['failed', 4],
            ] as const),
      ),
      paid: order.created + Math.floor(random() * 48) * hour,
    };
  }
}
