/** The files of a project whose pages are photographed: a shop with four pipelines, on the embedded engine. */

const csv = (columns: string, rows: readonly (readonly (string | number)[])[]): string =>
  `${columns}\n${rows.map((row) => row.join()).join('\n')}\n`;

/** Numbers from 0 to 1 by a seed (mulberry32), so that the pictures differ in nothing but the time. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shopData(): Record<string, string> {
  const random = randomOf(15);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const statuses = ['created', 'in_transit', 'delivered', 'failed', 'returned'];
  const day = () => `2026-11-${String(1 + Math.floor(random() * 28)).padStart(2, '0')} 12:00:00`;
  const deliveries = Array.from({ length: 40_000 }, (_, i) => {
    const order = random() < 0.004 ? 'unknown' : Math.floor(random() * 30_000);
    return [i + 1, order, random() < 0.003 ? 'lost at sea' : pick(statuses), pick(['fast', 'slow', 'sea']), day()];
  });
  const orders = Array.from({ length: 30_000 }, (_, i) => [
    i,
    Math.floor(random() * 5000),
    (random() * 900).toFixed(2),
  ]);
  return {
    'data/deliveries.csv': csv('delivery_id,order_id,status,carrier,updated_at', deliveries),
    'data/orders.csv': csv('order_id,user_id,amount', orders),
    'data/stock.csv': csv('item,amount', [
      [1, 5],
      [2, 0],
      [3, 12],
    ] as const),
  };
}

const customerReport = `name: customer-report
description: What marketing wants to know of its customers, from deliveries and orders.
sources:
  deliveries:
    csv: data/deliveries.csv
    key: delivery_id
    columns:
      delivery_id: bigint
      order_id: { type: bigint, required: true }
      status: { type: string, required: true, values: [created, in_transit, delivered, failed, returned] }
      carrier: string
      updated_at: { type: string, required: true }
  orders: { csv: data/orders.csv, key: order_id, columns: { order_id: bigint, user_id: bigint, amount: double } }
checks:
  - { name: deliveries arrived, expect: deliveries.rows > 0, otherwise: fail }
  - { name: deliveries clean, expect: deliveries.invalid_ratio < 0.001, otherwise: quarantine }
  - { name: orders are complete, expect: orders.invalid == 0, otherwise: warn }
branches:
  - { name: nothing-new, if: total.rows == 0 }
  - { name: full, if: total.rows >= 50000 }
  - { name: light }
steps:
  marts: { engine: embedded, spark: { sql: sql/marts.sql }, outputs: [{ parquet: published/marts, views: [order_mart] }] }
  segments: { needs: [marts], engine: embedded, spark: { sql: sql/segments.sql }, outputs: [{ parquet: published/segments, views: [segments] }] }
  carriers: { needs: [marts], engine: embedded, spark: { sql: sql/carriers.sql }, outputs: [{ csv: published/carriers, views: [carriers] }] }
  summary: { needs: [segments, carriers], engine: embedded, spark: { sql: sql/summary.sql }, outputs: [{ csv: published/summary, views: [summary] }] }
triggers:
  nightly: { schedule: '0 6 * * *', zone: Europe/Moscow }
promises:
  - { name: by breakfast, published: { by: '07:00', zone: Europe/Moscow } }
  - { name: fresh, fresherThan: 26h }
  - { name: quick, endsWithin: 15m }
`;

const source = `sources: { stock: { csv: data/stock.csv, key: item, columns: { item: bigint, amount: bigint } } }
branches: [{ name: all }]`;
const step = (name: string) =>
  `{ engine: embedded, spark: { sql: sql/stock.sql }, outputs: [{ parquet: published/${name}, views: [low] }] }`;
const stockLevels = `name: stock-levels
description: What runs out, every hour.
${source}
steps: { levels: ${step('levels')} }
triggers:
  hourly: { schedule: '15 * * * *', zone: Europe/Moscow }
promises:
  - { name: fresh, fresherThan: 5h }
`;
const partnerExport = `name: partner-export
description: The files for a partner, of at least a thousand items.
${source}
checks:
  - { name: enough items, expect: stock.rows > 1000, otherwise: fail }
steps: { export: ${step('export')} }
triggers:
  evening: { schedule: '0 18 * * 1-5', zone: Europe/Moscow }
`;
const paymentsMart = (url: string) => `name: payments-mart
description: Payments of the day, joined by a service of the bank.
${source}
steps:
  load: ${step('payments')}
  bank: { needs: [load], http: { url: '${url}' }, retry: { maximumAttempts: 3 } }
  ledger: { needs: [bank], http: { url: '${url}' } }
triggers:
  arrivals: { files: stock, settle: 30s }
`;

/** All files of the project; `url` is of a service that lets a run wait. */
export const showcaseFiles = (url: string): Record<string, string> => ({
  ...shopData(),
  'conf/connections.yaml':
    'engine: embedded\nalerts: { every: 1s }\nserve: { limits: { reads: { perSecond: 1000, burst: 3000 }, writes: { perSecond: 100, burst: 500 } } }\n',
  'conf/pipelines/customer-report.yaml': customerReport,
  'conf/pipelines/stock-levels.yaml': stockLevels,
  'conf/pipelines/partner-export.yaml': partnerExport,
  'conf/pipelines/payments-mart.yaml': paymentsMart(url),
  'sql/marts.sql':
    'CREATE OR REPLACE TEMP VIEW order_mart AS SELECT o.order_id, o.user_id, o.amount, d.status FROM orders o LEFT JOIN deliveries d USING (order_id)',
  'sql/segments.sql':
    'CREATE OR REPLACE TEMP VIEW segments AS SELECT user_id, sum(CAST(amount AS DECIMAL(12, 2))) AS spent FROM orders GROUP BY user_id',
  'sql/carriers.sql':
    'CREATE OR REPLACE TEMP VIEW carriers AS SELECT carrier, count(*) AS deliveries FROM deliveries GROUP BY carrier',
  'sql/summary.sql':
    'CREATE OR REPLACE TEMP VIEW summary AS SELECT user_id, count(*) AS orders FROM orders GROUP BY user_id',
  'sql/stock.sql': 'CREATE OR REPLACE TEMP VIEW low AS SELECT item FROM stock WHERE amount < 10',
});
