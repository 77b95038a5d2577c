import { storeContract } from '../contract/store.ts';
import { memoryStore } from './store.ts';

let skipped = 0;
storeContract('in memory', async () => ({
  store: memoryStore(() => Date.now() + skipped),
  pass: async (ms) => {
    skipped += ms;
  },
}));
