/** Takes the pictures of the pages of `sluice serve` for docs/screens, of a project with a month of history. */

import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { photographPages } from './photograph-pages.ts';

const root = resolve(import.meta.dirname, '..');
const docs = join(root, 'docs', 'screens');
await mkdir(docs, { recursive: true });
const names = await photographPages({ main: join(root, 'dist', 'controller', 'cli', 'main.js'), docs });
process.stdout.write(`docs/screens: ${names.join(', ')}\n`);
