import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadProject } from '../../controller/config/project.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-project-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ports =
  'sparkMaster sparkMasterUi sparkWorkerUi historyServer livy kafka kafkaController postgres smtp mailboxUi'.split(' ');

function projectAt(name: string, connections: string): string {
  const root = join(folder, name);
  mkdirSync(join(root, 'conf'), { recursive: true });
  writeFileSync(join(root, 'conf', 'connections.yaml'), connections);
  const stack = { ports: Object.fromEntries(ports.map((port, i) => [port, 1000 + i])), elsewhere: {} };
  writeFileSync(join(root, 'conf', 'stack.yaml'), JSON.stringify(stack));
  return root;
}

test('the name of a project comes from conf/, or from its folder', async () => {
  expect((await loadProject(projectAt('a', 'project: shop-reports'))).name).toBe('shop-reports');
  expect((await loadProject(projectAt('Shop & Söhne (2)', '{}'))).name).toBe('shop-s-hne-2');
  expect((await loadProject(projectAt('магазин', '{}'))).name).toBe('project');
});

test('an invalid name and an invalid retention are refused with their line', async () => {
  await expect(loadProject(projectAt('b', 'project: /srv/shop'))).rejects.toThrow(/connections\.yaml:1.*lower-case/s);
  await expect(loadProject(projectAt('c', 'retention:\n  runs: 90'))).rejects.toThrow(/connections\.yaml:2/);
  expect((await loadProject(projectAt('d', 'retention: { runs: 90d }'))).connections.retention.runs).toBe('90d');
});

test('missing settings have defaults: an empty connections.yaml makes a folder a project', async () => {
  const root = join(folder, 'bare');
  mkdirSync(join(root, 'conf'), { recursive: true });
  writeFileSync(join(root, 'conf', 'connections.yaml'), '# nothing yet\n\n');
  const bare = await loadProject(root);
  expect(bare.endpoints.livy).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  writeFileSync(join(root, 'conf', 'stack.yaml'), 'ports: { livy: 1234 }\nportOffset: 1\n');
  const moved = await loadProject(root);
  expect(moved.endpoints.livy).toBe('http://127.0.0.1:1235');
  expect(moved.stack.ports.kafka).toBe(bare.stack.ports.kafka + 1);
  writeFileSync(join(root, 'conf', 'stack.yaml'), 'port: {}\n');
  await expect(loadProject(root)).rejects.toThrow(/stack\.yaml:1:1 port: unknown key/);
});
