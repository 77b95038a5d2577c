import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { adoptInputs } from '../../../controller/adapters/runner/adopt-inputs.ts';
import { fileStorage } from '../../../controller/adapters/storage/file/file.ts';
import { profile } from '../../planning/profiles.ts';

const home = mkdtempSync(join(tmpdir(), 'sluice-adopt-'));
afterAll(() => rmSync(home, { recursive: true }));
const [from, to] = [join(home, 'runs/r1'), join(home, 'runs/r2')];

function made(path: string, text = path): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}
const kept = (...paths: string[]) => ({ kept: { paths, columns: [] } });

test('a run has copies of its own, which outlive the folder of the other one', async () => {
  const events = made(join(from, 'inputs/events.parquet'));
  const quarantine = made(join(from, 'quarantine/orders.csv'));
  const log = { paths: [events], replaces: ['/elsewhere/old.parquet'] };
  const profiles = {
    events: { ...profile(), pin: { kind: 'kafka', topic: 't', ...kept(events), log } },
    orders: { ...profile(), pin: { kind: 'csv', ...kept(made(join(from, 'inputs/orders.parquet'))) }, quarantine },
  };
  const adopted = await adoptInputs(fileStorage, { from, to }, profiles);
  expect(adopted).toEqual(JSON.parse(JSON.stringify(profiles).replaceAll(from, to)));
  rmSync(from, { recursive: true });
  expect(readFileSync(join(to, 'inputs/events.parquet'), 'utf8')).toBe(events);
  expect(readFileSync(join(to, 'quarantine/orders.csv'), 'utf8')).toBe(quarantine);
});

test('what a crash has left of a copy is completed, and a missing file is said', async () => {
  const path = made(join(from, 'inputs/rows.parquet'), 'all of it');
  const copy = made(join(to, 'inputs/rows.parquet'), 'all');
  const profiles = { rows: { ...profile(), pin: { kind: 'csv', ...kept(path) } } };
  for (let times = 0; times < 2; times++) {
    expect(await adoptInputs(fileStorage, { from, to }, profiles)).toBeDefined();
    expect([readFileSync(copy, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['all of it', 'all of it']);
  }
  rmSync(path);
  expect(await adoptInputs(fileStorage, { from, to }, profiles)).toBeUndefined();
});

test('of the files that a history names, only inputs and quarantines of that run are copied', async () => {
  for (const path of [
    made(join(home, 'secrets/stack')),
    join(from, 'inputs/../../../secrets/stack'),
    join(from, 'inputs/deeper/x.parquet'),
    join(from, 'marts/1/secrets.json'),
    join(from, 'inputs/.hidden'),
    `${from}2/inputs/x.parquet`,
  ]) {
    const profiles = { a: { ...profile(), pin: { kind: 'csv', ...kept(path) } } };
    await expect(adoptInputs(fileStorage, { from, to }, profiles), path).rejects.toThrow(/is no input of/);
  }
  expect(existsSync(join(to, 'secrets'))).toBe(false);
});
