import { afterAll, expect } from 'vitest';
import { applications, mails, pause, query, type RunDocument, sluiceJson, start } from './world.ts';

const children: ReturnType<typeof start>[] = [];
/** Starts a command that is always ended after the tests. */
export const begin = (...args: Parameters<typeof start>) => {
  const child = start(...args);
  children.push(child);
  return child;
};
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
});

/** The document of a run once it has ended. */
export async function untilEnded(run: string): Promise<RunDocument> {
  for (;;) {
    const { doc } = await sluiceJson('show', run);
    if (!['pending', 'running'].includes(doc.state)) return doc;
    await pause(500);
  }
}

/** Expects one attempt, one finished application, one publication, one mail. */
export async function expectOnce(doc: RunDocument, schema: string): Promise<void> {
  expect(doc.state).toBe('succeeded');
  const [attempt, ...more] = doc.steps[0]?.attempts ?? [];
  expect(more).toEqual([]);
  expect(await applications(attempt?.key ?? '')).toMatchObject([{ id: attempt?.application, state: 'FINISHED' }]);
  expect(await query(`SELECT key FROM ${schema}.sluice_publication`)).toEqual([{ key: attempt?.key }]);
  while ((await mails(doc.run)).length === 0) await pause(300);
  expect(await mails(doc.run)).toHaveLength(1);
}
