import { describe, expect, test } from 'vitest';
import type { Mail } from '../../controller/messages/mail.ts';
import { dead, done, world } from '../engine/world.ts';
import { mailsOf } from '../mails.ts';
import { good, load } from '../pipeline/files.ts';
import { profile } from '../planning/profiles.ts';

const profiles = {
  deliveries: profile({ rows: 100, invalid: 4, invalidByReason: { 'order_id: missing': 4 } }),
  orders: profile(),
};
const everybody = good.replace('on: [failed]', 'on: [succeeded, degraded, failed]');
const alone = everybody
  .replace('    fallback: poorer', '    retry: { maximumAttempts: 2, initialInterval: 1ms }')
  .replace(/ {2}poorer:\n.*\n/, '');

async function mailOf(text: string, script = done, results: object = {}) {
  const w = world(profiles, () => script);
  for (const [key, result] of Object.entries(results)) w.results.set(key, result);
  await w.run(await load(text), 'r1');
  const [waiting] = await w.ports.store.due();
  if (!waiting) throw new Error('no mail');
  return waiting.message as Mail;
}

describe('the mail of a success', () => {
  test('has figures, report, duration, branch, reason, and the rows read and quarantined', async () => {
    const mail = await mailOf(alone.replace('notify:', 'report: { title: Shop }\nnotify:'));
    expect(mail.subject).toBe('shop: the report is ready');
    for (const part of [
      'Orders: 5',
      'Open the report: file:///report',
      'Branch: light',
      'Duration:',
      'deliveries · 100 · 96 · 4 · order_id: missing 4',
    ]) {
      expect(mail.text).toContain(part);
    }
    expect(mail.html).toContain('href="file:///report"');
  });

  test('lists joins that multiplied rows, once each', async () => {
    const joins = [{ on: 'order_id', left: 20, right: 10, rows: 35 }];
    const place = (kind: string) => ({ view: 'order_mart', kind, place: 'x', rows: 35, joins });
    const result = { state: 'succeeded', inputs: [], outputs: [place('parquet'), place('csv')] };
    const mail = await mailOf(alone, done, { 'sluice-r1-marts-1': result });
    expect(mail.text.split('\n').filter((line) => line.includes('35'))).toContain(
      '  order_mart · order_id · 20 × 10 → 35',
    );
    expect(mail.text.match(/→ 35/g)).toHaveLength(1);
  });

  test('has the sentence of the branch, in the language of the reader', async () => {
    const text = alone
      .replace('- { name: light }', '- { name: light, says: { en: Few rows, ru: Мало строк } }')
      .replace('a@example.org,', 'a@example.org, language: ru,');
    const mail = await mailOf(text);
    expect(mail.subject).toBe('shop: отчёт готов');
    expect(mail.text).toContain('Мало строк');
    expect(mail.text).not.toContain('Few rows');
  });
});

describe('the mail of a failure', () => {
  test('names step, kind, attempts, the relevant log line, and the next steps', async () => {
    const error = {
      type: 'AnalysisException',
      message: '[UNRESOLVED_COLUMN] `nope` cannot be resolved',
      phase: 'running the SQL',
    };
    const mail = await mailOf(alone, dead, { 'sluice-r1-marts-1': { state: 'failed', error } });
    expect(mail.subject).toBe('shop: the run failed');
    for (const part of [
      'Step: marts',
      'Failure: the SQL is wrong (bad-sql)',
      'Attempts: 1',
      '`nope` cannot be resolved',
      'sluice show r1',
      'What was published before is unchanged.',
    ]) {
      expect(mail.text).toContain(part);
    }
  });

  test('escapes the text of a log', async () => {
    const error = { type: 'X', message: '<script>alert(1)</script>', phase: 'reading' };
    const mail = await mailOf(alone, dead, {
      'sluice-r1-marts-1': { state: 'failed', error },
      'sluice-r1-marts-2': { state: 'failed', error },
    });
    expect(mail.html).not.toContain('<script>');
    expect(mail.html).toContain('&lt;script&gt;');
  });
});

describe('the mail of a degraded run', () => {
  test('names the failed step and its fallback', async () => {
    const w = world(profiles, (key) => (key.includes('poorer') ? done : dead));
    await w.run(
      await load(everybody.replace('fallback: poorer', 'fallback: poorer\n    retry: { maximumAttempts: 1 }')),
    );
    const [waiting] = await w.ports.store.due();
    expect(waiting?.message.subject).toBe('shop: the report is ready, with reservations');
    expect(waiting?.message.text).toContain('completed by fallback poorer');
  });
});

test('an untrusted text in a mail is a single line of plain text', async () => {
  const { state } = await world({ deliveries: profile(), orders: profile() }).run(await load(good));
  state.ended = { state: 'failed', at: 1, reason: 'no\n\nRun: another\u001b[2K\r\nrun' };
  const [mail] = mailsOf('r1', state);
  expect(mail?.text).toContain('no Run: another\\u001b[2K run\n');
  expect(mail?.text).not.toContain('\u001b');
});

test('a mail is the same each time it is rendered: its id depends on run, event and reader', async () => {
  const w = world(profiles);
  const { state } = await w.run(await load(alone));
  const make = () => mailsOf('r1', state);
  expect(make()).toEqual(make());
  expect(mailsOf('r2', state)[0]?.id).not.toBe(make()[0]?.id);
});
