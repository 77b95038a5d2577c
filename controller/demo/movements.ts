import { pick, pickWeighted, type Random, randomOf } from './random.ts';
import { type Defects, hour, orderOf, stamp } from './shop.ts';

/** Deliveries and events of orders that were placed. */

const carriers = ['CDEK', 'DHL', 'Почта России', 'Boxberry', 'DPD'];
const trickyCarriers = [
  'Smith, Sons & Co',
  'Курьер "Стрела"',
  'Two\nLines Ltd',
  'He said ""hi"", twice',
  '"',
  'тире — и, запятая',
];

/** One record of a deliveries file, one or more lines, and its injected defect. */
export interface DeliveryLine {
  readonly text: string;
  readonly planted: 'invalid' | 'tricky' | undefined;
}

export const deliveryHeader = 'delivery_id,order_id,status,carrier,updated_at';

export function* deliveries(
  count: number,
  orderCount: number,
  userCount: number,
  seed: number,
  defects: Defects,
): Generator<DeliveryLine> {
  const random = randomOf(seed, 'deliveries');
  for (let id = 1; id <= count; id++) {
    const order = orderOf(1 + Math.floor(random() * Math.max(1, orderCount)), userCount, seed, defects);
    const status = pickWeighted(random, [
      ['delivered', 62],
      ['in_transit', 18],
      ['created', 10],
      ['failed', 6],
      ['returned', 4],
    ] as const);
    const at = stamp(order.created + Math.floor((4 + random() * 240) * 3600) * 1000);
    const dice = random();
    if (dice < defects.invalid) {
      yield { text: brokenDelivery(random, id, order.id, status, at), planted: 'invalid' };
    } else if (dice < defects.invalid + defects.tricky) {
      yield {
        text: `${id},${order.id},${status},"${pick(random, trickyCarriers).replaceAll('"', '""')}",${at}`,
        planted: 'tricky',
      };
    } else {
      yield { text: `${id},${order.id},${status},${pick(random, carriers)},${at}`, planted: undefined };
    }
  }
}

function brokenDelivery(random: Random, id: number, order: number, status: string, at: string): string {
  return pick(random, [
    `${id},${order},${status},CDEK,${at.slice(0, 8)}32 99:00`,
    `${id},${order},${status},DHL,yesterday`,
    `${id},,${status},"Boxberry, late",${at}`,
    `${id},${order},teleported,DPD,${at}`,
    `${id},${order},${status}`,
  ]);
}

export interface OrderEvent {
  readonly order: number;
  readonly json: string;
  readonly planted: 'duplicate' | undefined;
}

const lifecycle = ['created', 'paid', 'packed', 'shipped', 'delivered', 'reviewed'];

/** Events in chronological order, with duplicates. `seq` numbers the events of each order from 1. */
export function* events(
  count: number,
  orderCount: number,
  userCount: number,
  seed: number,
  defects: Defects,
): Generator<OrderEvent> {
  const random = randomOf(seed, 'events');
  const sequence = new Uint16Array(orderCount + 1);
  let last: OrderEvent | undefined;
  for (let n = 1; n <= count; n++) {
    if (last && random() < defects.duplicates) {
      yield { ...last, planted: 'duplicate' };
      continue;
    }
    const order = 1 + Math.floor(random() ** 1.15 * Math.max(1, orderCount));
    const seq = (sequence[order] ?? 0) + 1;
    sequence[order] = seq;
    const { created } = orderOf(order, userCount, seed, defects);
    const type =
      random() < 0.04
        ? 'cancelled'
        : random() < 0.05
          ? 'address_changed'
          : (lifecycle[Math.min(seq, lifecycle.length) - 1] ?? 'reviewed');
    const at = stamp(created + seq * 6 * hour + Math.floor(random() * 3600) * 1000);
    last = {
      order,
      json: JSON.stringify({ event_id: `e${seed}-${n}`, order_id: order, seq, type, occurred_at: at }),
      planted: undefined,
    };
    yield last;
  }
}
