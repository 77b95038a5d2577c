import { writeFileSync } from 'node:fs';
import { statesPage } from '../test/domain/states-page.ts';

/** Generates docs/states.md from the tables in controller/domain/lifecycle.ts. */
writeFileSync(new URL('../docs/states.md', import.meta.url), statesPage());
