import { memoryStore } from '../../controller/store/memory.ts';
import { storeContract } from '../contract/store.ts';

storeContract('in memory', async () => memoryStore());
