import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { storageContract } from '../contract/storage.ts';
import { memoryStorage } from './storage.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-memory-'));
afterAll(() => rmSync(folder, { recursive: true }));

storageContract('in memory', async () => ({ storage: memoryStorage(folder), place: 'mem://bucket/a folder' }));
