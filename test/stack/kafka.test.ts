import { expect, test } from 'vitest';
import { newClusterId } from '../../controller/stack/kafka.ts';

test('no id of a Kafka cluster is an option to the tool that formats its storage', () => {
  const ids = Array.from({ length: 2000 }, newClusterId);
  expect(ids.filter((id) => !/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/.test(id))).toEqual([]);
  expect(new Set(ids).size).toBe(ids.length);
});
