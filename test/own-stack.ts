import { inject } from 'vitest';

/** Leads the tests of a file to the stack of the worker that plays them, which plays one file at a time. */
Object.assign(process.env, inject('stacks')[Number(process.env.VITEST_POOL_ID) - 1]);
