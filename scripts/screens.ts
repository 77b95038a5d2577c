/**
 * Takes screenshots of a real run for docs/: plans of three sizes, the terminal during a run, the report, the mail, the pages.
 * `npm run screens` runs the customer report on the local stack with a million rows, and uses a browser from npm. It
 * needs `script` (util-linux) for a terminal; if the browser lacks libraries, Debian's `libnss3`.
 */

import { mkdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import chromium from '@sparticuz/chromium';
import { execa } from 'execa';
import { type Browser, chromium as playwright } from 'playwright-core';
import { addressOf, splitLogin } from '../controller/config/login.ts';
import { loadProject } from '../controller/config/project.ts';
import { photographPages } from './photograph-pages.ts';

const root = resolve(import.meta.dirname, '..');
const docs = join(root, 'docs', 'screens');
const main = join(root, 'dist', 'controller', 'cli', 'main.js');
const pipeline = 'conf/pipelines/customer-report.yaml';
const size = { columns: 150, rows: 22 };

const sluice = (...args: string[]) =>
  execa(process.execPath, [main, ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });

/** The output of a command on a terminal, with all its control sequences. */
async function recorded(args: string, rows: number = size.rows): Promise<string> {
  const file = join(tmpdir(), `sluice-screen-${process.pid}`);
  const command = `stty cols ${size.columns} rows ${rows}; ${process.execPath} ${main} ${args}`;
  await execa('script', ['-qefc', command, file], {
    cwd: root,
    stdin: 'ignore',
    stdout: 'ignore',
    env: { TERM: 'xterm-256color', FORCE_COLOR: '1' },
  });
  const text = await readFile(file, 'utf8');
  await rm(file);
  return text.slice(text.indexOf('\n') + 1, text.lastIndexOf('\nScript done'));
}

/** The recording up to the last progress line with completed tasks, before anything was published. */
function middle(recording: string): string {
  const job = recording.slice(0, recording.indexOf('succeeded'));
  const end = [...job.matchAll(/tasks [1-9]\d* of/g)].at(-1)?.index ?? job.lastIndexOf('tasks ');
  // A recording may end within a synchronized update (mode 2026), which would freeze the screen.
  return `${recording.slice(0, recording.indexOf('\n', end) + 1)}\u001b[?2026l`;
}

/** The number of terminal lines of a text. */
const linesOf = (text: string): number =>
  text
    .split('\n')
    .map((line) => Math.ceil(stripVTControlCharacters(line).trimEnd().length / size.columns) || 1)
    .reduce((sum, lines) => sum + lines, 1);

/** Takes a screenshot of a terminal with a text. */
async function photographed(browser: Browser, text: string, name: string, rows: number): Promise<void> {
  const page = await browser.newPage({ viewport: { width: 1400, height: 760 }, deviceScaleFactor: 1.5 });
  const packages = createRequire(import.meta.url);
  const css = await readFile(packages.resolve('@xterm/xterm/css/xterm.css'), 'utf8');
  await page.setContent(
    `<style>${css} body{margin:0;background:#10151c;padding:14px;display:inline-block}</style><div id="terminal"></div>`,
  );
  await page.addScriptTag({ path: packages.resolve('@xterm/xterm') });
  await page.evaluate(
    ([received, columns, lines]) => {
      const { Terminal, document } = globalThis as never as {
        Terminal: new (o: object) => { open(e: unknown): void; write(t: string, done: () => void): void };
        document: { getElementById(id: string): unknown };
      };
      const terminal = new Terminal({
        cols: columns,
        rows: lines,
        fontSize: 13,
        fontFamily: 'DejaVu Sans Mono, monospace',
        theme: { background: '#10151c', foreground: '#d7dde5' },
        convertEol: true,
      });
      terminal.open(document.getElementById('terminal'));
      return new Promise<void>((done) => terminal.write(received, done));
    },
    [text, size.columns, rows] as const,
  );
  await page.waitForTimeout(300);
  // The page stays open, because this browser ends with its last page.
  await page.locator('body').screenshot({ path: join(docs, name) });
}

await mkdir(docs, { recursive: true });
await sluice('up');
/** `sluice plan` for each number of rows; the settings differ. */
const plans = new Map<number, string>();
for (const rows of [10_000_000, 100_000, 1_000_000]) {
  await sluice('demo-data', '--rows', String(rows));
  plans.set(rows, await recorded(`plan ${pipeline} --full-refresh`, 80));
}
const project = await loadProject(root);
const { home, endpoints, connections } = project;
const recording = await recorded(`run ${pipeline} --full-refresh`);

const browser = await playwright.launch({
  executablePath: await chromium.executablePath(),
  args: [...chromium.args, '--no-sandbox'],
  headless: true,
});
try {
  await photographed(browser, middle(recording), 'terminal.png', size.rows);
  for (const [rows, text] of plans) {
    await photographed(browser, text, `plan-${rows}.png`, linesOf(text));
  }

  const page = await browser.newPage({ viewport: { width: 1220, height: 900 }, deviceScaleFactor: 1.5 });
  await page.goto(`file://${join(root, connections.reports.folder, 'customer-report', 'latest', 'index.html')}`);
  await page.screenshot({ path: join(docs, 'report.png'), fullPage: true });

  const { headers } = splitLogin(addressOf(project, 'mailbox'));
  const mails = (await (await fetch(`${endpoints.mailbox}/mails.json`, { headers })).json()) as { name: string }[];
  await page.setViewportSize({ width: 860, height: 900 });
  await page.setExtraHTTPHeaders(headers);
  await page.goto(`${endpoints.mailbox}/mails/${mails[0]?.name}`);
  await page.screenshot({ path: join(docs, 'mail.png'), fullPage: true });

  const pages = await photographPages({ main, docs });
  process.stdout.write(`docs/screens: ${pages.join(', ')}\n`);
} finally {
  await browser.close();
}
process.stdout.write(`docs/screens: terminal.png, plan-*.png, report.png, mail.png (of the stack in ${home})\n`);
