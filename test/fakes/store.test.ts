import { storeContract } from '../contract/store.ts';
import { memoryStores } from './store.ts';

let skipped = 0;
const stores = memoryStores(() => Date.now() + skipped);
storeContract('in memory', async () => ({
  as: async (owner) => stores(owner),
  pass: async (ms) => {
    skipped += ms;
  },
}));
