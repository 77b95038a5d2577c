import { CommanderError, Option } from 'commander';
import { scopes } from '../domain/ports/tokens.ts';
import { serverUrl } from '../lib/env.ts';
import { exit } from './view/output.ts';

/** Parsers of arguments, and options that several commands have. Throws a CommanderError for a wrong one. */

export const whole = (text: string): number => {
  if (!/^\d+$/.test(text))
    throw new CommanderError(exit.wrong, 'sluice.number', `error: "${text}" is not a whole number`);
  return Number(text);
};
const share = (text: string): number => {
  const n = Number(text);
  if (text.trim() === '' || !(n >= 0 && n <= 1))
    throw new CommanderError(exit.wrong, 'sluice.share', `error: "${text}" must be a fraction from 0 to 1`);
  return n;
};
export const key = (text: string): string => {
  if (!/^[!-~]([ -~]{0,253}[!-~])?$/.test(text))
    throw new CommanderError(
      exit.wrong,
      'sluice.key',
      'error: the idempotency key must be 1 to 255 printable ASCII characters, such as 2026-11-25-daily',
    );
  return text;
};
export const time = (text: string): Date => {
  const at = new Date(text);
  if (Number.isNaN(at.getTime()))
    throw new CommanderError(
      exit.wrong,
      'sluice.time',
      `error: "${text}" is not a timestamp such as 2026-11-01 or 2026-11-01T06:00:00Z`,
    );
  return at;
};
/** A date as the end of a range includes the day. */
const endOf = (text: string): Date => {
  const at = time(text);
  return /^\d{4}-\d\d-\d\d$/.test(text) ? new Date(Math.min(Date.now(), at.getTime() + 86_400_000 - 1)) : at;
};
export const duration = (text: string): string => {
  if (!/^[1-9]\d{0,5}(s|m|h|d)$/.test(text))
    throw new CommanderError(exit.wrong, 'sluice.duration', `error: "${text}" is not a duration such as 12h or 90d`);
  return text;
};
export const detach = (): Option =>
  new Option('--detach', 'enqueue the run and return; a controller (sluice serve) executes it');
export const server = (): Option =>
  new Option('--server <url>', 'ask this server, with the token in SLUICE_TOKEN, instead of the store').default(
    serverUrl,
    'SLUICE_SERVER',
  );
export const tokenOptions = (): Option[] => [
  new Option('--scope <scopes...>', 'what it may do').choices(scopes),
  new Option('--pipeline <names...>', 'the pipelines that it may see and run; * is any text'),
  new Option('--expires <duration>', 'when it expires, such as 90d').argParser(duration),
];
export const auditOptions = (): Option[] => [
  new Option('--before <number>', 'only entries before this one').argParser(whole),
  new Option('--limit <n>', 'how many').default(20).argParser(whole),
];
export const triggersOptions = (): Option[] => [
  new Option('--pipeline <name>', 'list only the triggers of this pipeline'),
  new Option('--instants <n>', 'show: how many instants to come').default(5).argParser(whole),
  new Option('--rows <n>', 'show: how many rows of the ledger').default(20).argParser(whole),
  new Option('--reason <text>', 'pause: why'),
  new Option('--until <when>', 'pause: a duration such as 2h, or a time at which it ends by itself'),
  new Option('--catch-up', 'resume: start what was skipped during the pause'),
  new Option('--yes', 'reset: do it'),
  server(),
];
export const fireOptions = (): Option[] => [
  new Option('--at <time>', 'for the instant that was due at this time').argParser(time),
  new Option('--from <time>', 'for the instants from this time on').argParser(time),
  new Option('--to <time>', 'up to this time, or to the end of this date; until now, when left out').argParser(endOf),
  new Option('--only <which>', 'of the range: those without a run, those whose run failed, or all').choices([
    'missing',
    'failed',
    'all',
  ]),
  new Option('--dry-run', 'only show what would start'),
  new Option('--with <pairs...>', 'values instead of those of `with` in the file, as NAME=VALUE'),
  server(),
];
export const rows = (): Option => new Option('--rows <n>', 'rows over all sources').default(1_000_000).argParser(whole);
export const seed = (): Option =>
  new Option('--seed <n>', 'the same seed gives the same data').default(1).argParser(whole);
export const defectOptions = (): Option[] => [
  new Option('--invalid <share>', 'fraction of malformed deliveries').default(0.004).argParser(share),
  new Option('--tricky <share>', 'fraction of deliveries with quotes and line breaks in a field')
    .default(0.01)
    .argParser(share),
  new Option('--duplicates <share>', 'fraction of duplicated events').default(0.01).argParser(share),
  new Option('--out-of-order <share>', 'fraction of events out of order').default(0.02).argParser(share),
  new Option('--unpaid <share>', 'fraction of unpaid orders').default(0.05).argParser(share),
  new Option('--orphans <share>', 'fraction of payments without an order').default(0.003).argParser(share),
  new Option('--idle <share>', 'fraction of users without orders').default(0.15).argParser(share),
];
