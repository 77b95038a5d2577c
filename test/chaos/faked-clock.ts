import { existsSync } from 'node:fs';

/** libfaketime, which gives a process another clock; undefined where it is not installed. */
export const fakedClock: string | undefined = ['x86_64-linux-gnu', 'aarch64-linux-gnu']
  .map((of) => `/usr/lib/${of}/faketime/libfaketime.so.1`)
  .find(existsSync);
