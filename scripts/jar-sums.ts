import { resolve } from 'node:path';
import { jarSets, renewSums } from '../controller/stack/jars.ts';

/**
 * `npm run jar-sums`: downloads the jars of conf/stack/SET/pom.xml and writes their hashes. Review the change before
 * committing it.
 */
const root = resolve(import.meta.dirname, '..');
for (const set of jarSets) await renewSums(set, root, (line) => process.stdout.write(`${line}\n`));
