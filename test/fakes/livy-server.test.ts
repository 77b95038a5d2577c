import { afterAll } from 'vitest';
import { livyContract } from '../contract/livy.ts';
import { fakeSpark } from './spark.ts';

const login = { user: 'sluice', password: 'secret' };
const spark = await fakeSpark({ login });
afterAll(() => spark.close());

livyContract('the false Livy', async () => ({
  url: spark.livy.url,
  headers: { authorization: `Basic ${Buffer.from('sluice:secret').toString('base64')}` },
}));
