import { afterAll, describe, expect, test } from 'vitest';
import { backendsOf } from '../../controller/app/wiring.ts';
import { stackLogin } from '../../controller/config/login.ts';
import { loadProject } from '../../controller/config/project.ts';
import { gate } from './gate.ts';
import { answer, TcpProxy } from './proxy.ts';
import {
  applications,
  lastRun,
  login,
  mails,
  otherProject,
  pause,
  pidOf,
  project,
  type RunDocument,
  said,
  sluice,
  smallPipeline,
  start,
} from './world.ts';

/** The Spark properties that the local stack gives its jobs. A proxied Livy is external, so the pipeline sets them. One core, so that two run at once. */
const sparkConf =
  'executorCores: 1, executorMemory: 512m, driverMemory: 512m, conf: { spark.driver.host: 127.0.0.1, spark.driver.bindAddress: 127.0.0.1, spark.ui.port: "0" }';
const own = await project();
const { endpoints } = own;
const { user = '', password = '' } = stackLogin(own.home) ?? {};
// From the environment, as a project keeps it: the search for secrets finds it in no file.
process.env.LIVY_PW = password;
const headers = await login();
const livyPort = Number(new URL(endpoints.livy).port);
const proxies: TcpProxy[] = [];
afterAll(async () => {
  for (const proxy of proxies) await proxy.close();
});

/** Livy behind a proxy, and a project that knows only the proxy. */
async function proxied(name: string): Promise<{ proxy: TcpProxy; folder: string }> {
  const proxy = await new TcpProxy(livyPort).open();
  proxies.push(proxy);
  const livy = `spark: { livy: "http://127.0.0.1:${proxy.port}", livyUser: ${user}, livyPassword: "\${LIVY_PW}" }`;
  return { proxy, folder: await otherProject(`proxied-${name}`, (text) => text.replace('spark: {}', livy)) };
}

const pipelineOf = (name: string, sql?: string): Promise<string> =>
  smallPipeline(name, { ...(sql === undefined ? {} : { sql }), spark: sparkConf });
const run = (folder: string, file: string) => start(['run', file, '--json'], {}, folder);

/** Expects one attempt, one application, one mail: the fault had no effect. */
async function expectUntouched(text: unknown): Promise<RunDocument> {
  const doc = JSON.parse(String(text)) as RunDocument;
  expect(doc.state).toBe('succeeded');
  const [attempt, ...more] = doc.steps[0]?.attempts ?? [];
  expect(more).toEqual([]);
  expect(await applications(attempt?.key ?? '')).toMatchObject([{ state: 'FINISHED' }]);
  expect(await mails(doc.run)).toHaveLength(1);
  return doc;
}

test('a thousand batches are polled with one request', async () => {
  const { proxy, folder } = await proxied('many');
  const { backend } = await backendsOf(await loadProject(folder));
  const keys = Array.from({ length: 1000 }, (_, i) => `sluice-nobody-${i}`);
  const look = () => Promise.all(keys.map((key) => backend.observe({ key, id: '' })));
  await look();
  proxy.requests.length = 0;
  for (let looks = 1; looks <= 5; looks++) {
    await pause(150);
    const seen = await look();
    expect(seen.every((each) => each.unknown)).toBe(true);
    expect(proxy.requests).toEqual(Array(looks).fill('GET /batches?from=0&size=5000 HTTP/1.1'));
  }
});

describe('a response that is lost after Livy accepted the submission', () => {
  test('leaves one batch and one application', async () => {
    const { proxy, folder } = await proxied('lost');
    const file = await pipelineOf('lost-answer');
    proxy.set('lose-answer');
    const { stdout, stderr } = await run(folder, file);
    expect(proxy.lost).toBe(1);
    const doc = await expectUntouched(stdout);
    expect(stderr).toMatch(/waiting +work: .*POST \/batches: the connection broke/);
    const { sessions } = (await (await fetch(`${endpoints.livy}/batches?size=1000`, { headers })).json()) as {
      sessions: { name: string }[];
    };
    expect(sessions.filter((each) => each.name === doc.steps[0]?.attempts[0]?.key)).toHaveLength(1);
  });
});

describe('Livy refusing connections', () => {
  test('for 10 s at the submission and for 60 s while Spark computes: both runs wait, and use up no attempt', async () => {
    const [short, long] = [await proxied('short'), await proxied('long')];
    const atSubmission = await pipelineOf('refused-short');
    const held = await gate();
    const whileRunning = await pipelineOf('refused-long', held.sql);

    const first = run(short.folder, atSubmission);
    await said(first, /branch +all/);
    await short.proxy.close();
    const second = run(long.folder, whileRunning);
    await pause(10_000);
    await short.proxy.open();
    await said(second, /app-\d+-\d+/);
    await long.proxy.close();
    await pause(60_000);
    await long.proxy.open();
    held.open();

    await expectUntouched((await first).stdout);
    const { stdout, stderr } = await second;
    const doc = await expectUntouched(stdout);
    expect(stderr).toMatch(/waiting +work: .*does not answer \(ECONNREFUSED\)/);
    expect(stderr).toMatch(/back +work: answered after/);
    const away = doc.timeline?.find((phase) => phase.what === 'work, attempt 1')?.parts['gateway away'];
    expect(away ?? 60_000).toBeGreaterThan(30_000);
  });

  test('for longer than the gateway timeout: the run fails, and its mail reports it', async () => {
    const { proxy, folder } = await proxied('gone');
    const held = await gate();
    const file = await smallPipeline('refused-for-good', {
      sql: held.sql,
      spark: sparkConf,
      step: '    retry: { patience: 4s }',
    });
    const running = run(folder, file);
    await said(running, /app-\d+-\d+/);
    await proxy.close();
    const doc = JSON.parse(String((await running).stdout)) as RunDocument;
    held.open();
    expect(doc.state).toBe('failed');
    expect(doc.steps[0]?.attempts.map((attempt) => attempt.failure)).toEqual(['gateway-unavailable']);
    const [mail] = await mails(doc.run);
    expect(mail?.text).toContain('the gateway to Spark was away too long (gateway-unavailable)');
    expect(mail?.text).toContain('the gateway was unreachable for');
  });
});

describe('a Livy with unreadable responses', () => {
  test('HTML, 502, half a JSON, half a response, nothing, silence: the run waits each time, reports it, and succeeds', async () => {
    const { proxy, folder } = await proxied('unreadable');
    const held = await gate();
    const running = run(folder, await pipelineOf('unreadable', held.sql));
    await said(running, /submitted/);
    const modes: [says: string | undefined, line: RegExp][] = [
      [answer('200 OK', '<html>Sign in</html>'), /answered with no JSON: <html>Sign in/],
      [answer('502 Bad Gateway', 'no upstream'), /answered with 502 no upstream/],
      [answer('200 OK', '{"id": 0, "sta'), /answered with no JSON: \{"id": 0, "sta/],
      [answer('200 OK', '{"id": 0}', 500), /the connection broke/],
      ['', /the connection broke/],
      [undefined, /no answer within 4 s/],
    ];
    for (const [n, [says, line]] of modes.entries()) {
      proxy.set(says === undefined ? 'silent' : { says });
      await said(running, new RegExp(`(waiting +work: [\\s\\S]*){${n + 1}}`));
      await said(running, line);
      proxy.set('pass');
      await said(running, new RegExp(`(back +work: [\\s\\S]*){${n + 1}}`));
    }
    held.open();
    await expectUntouched((await running).stdout);
  });
});

describe('a Livy that was killed and restarted', () => {
  test('has forgotten the batch and reuses its id: the run is followed by its key, and the other batch is left alone', async () => {
    const restarted = async (): Promise<void> => {
      process.kill(await pidOf('livy'), 'SIGKILL');
      await sluice('up');
    };
    // The batch is to have one of the first ids, so that few strangers are needed.
    await restarted();
    const held = await gate();
    const file = await smallPipeline('among-strangers', { sql: held.sql });
    const running = start(['run', file, '--json']);
    await said(running, /app-\d+-\d+/);
    const before = await lastRun();
    await restarted();
    const submit = async (name: string) =>
      (await (
        await fetch(`${endpoints.livy}/batches`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json', 'x-requested-by': 'test' },
          body: JSON.stringify({ name, file: 'local:/nowhere.jar', className: 'Nobody' }),
        })
      ).json()) as { id: number };
    const id = Number(before.steps[0]?.attempts[0]?.submission);
    const strangers: number[] = [];
    for (let n = 0; n <= id; n++) strangers.push((await submit(`stranger-${n}`)).id);
    expect(strangers).toContain(id);
    held.open();
    await expectUntouched((await running).stdout);
    const stranger = await fetch(`${endpoints.livy}/batches/${id}`, { headers });
    expect(((await stranger.json()) as { name: string }).name).toMatch(/^stranger-/);
  });
});
