import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { folder, query, read, type Said, sluice, smallPipeline, start, write } from './world.ts';

/** Expects neither a stack trace nor "unexpected". Returns the reason from standard error or the run's line. */
function clear({ stdout, stderr }: Said): string {
  const all = `${stdout}\n${stderr}`;
  expect(all).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m);
  expect(all).not.toContain('unexpected');
  return all;
}

describe('a pipeline file', () => {
  test.each([
    ['that is missing', undefined, /there is no file conf\/pipelines\/wrong\.yaml/],
    ['that is empty', '', /wrong\.yaml:1:1: the file is empty/],
    ['that is not YAML', 'name: [x', /wrong\.yaml:1:9: not valid YAML/],
    [
      'with a misspelt key',
      'name: x\nsource: {}\n',
      /wrong\.yaml:2:1 source: unknown key "source" — did you mean "sources"\?/,
    ],
    ['with a wrong type', 'name: 5\n', /wrong\.yaml:1:7 name: found number 5, expected string/],
  ])('%s ends with exit code 2', async (_what, text, message) => {
    await rm(join(folder, 'conf/pipelines/wrong.yaml'), { force: true });
    if (text !== undefined) await write('conf/pipelines/wrong.yaml', text);
    for (const command of ['validate', 'plan', 'run']) {
      const answer = await sluice(command, 'conf/pipelines/wrong.yaml');
      expect(answer.exitCode, command).toBe(2);
      expect(clear(answer)).toMatch(message);
    }
  });

  test.each([
    [
      'a cycle',
      (text: string) => text.replace('  work:\n', '  work:\n    needs: [work]\n'),
      /circular dependency: work -> work/,
    ],
    [
      'an unknown connection',
      (text: string) => text.replace('postgres: shop', 'postgres: shopp'),
      /no postgres connection "shopp" — did you mean "shop"\?/,
    ],
    [
      'a CEL typo',
      (text: string) => text.replace('- { name: all }', '- { name: all, if: smal.rows > 0 }'),
      /Unknown variable: smal at character 1 — did you mean "small"\?/,
    ],
  ])('with %s is refused before anything is measured', async (_what, change, message) => {
    const file = await smallPipeline('refused');
    await write(file, change(await read(file)));
    const answer = await sluice('run', file);
    expect(answer.exitCode).toBe(2);
    expect(clear(answer)).toMatch(message);
  });

  test('reports its error as a document with --json', async () => {
    const { exitCode, stdout } = await sluice('validate', 'none.yaml', '--json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { kind: 'rejected', message: 'there is no file none.yaml' } });
  });
});

describe('usage', () => {
  test.each([
    [['rnu'], /unknown command 'rnu'[\s\S]*Did you mean run\?/],
    [['run'], /missing required argument 'file'/],
    [['run', 'x.yaml', '--fast'], /unknown option '--fast'/],
    [['demo-data', '--rows', 'many'], /"many" is not a whole number/],
    [['demo-data', '--invalid', '2'], /"2" must be a fraction from 0 to 1/],
    [['show', 'no-such-run'], /there is no run no-such-run/],
  ])('%j ends with exit code 2', async (args, message) => {
    const answer = await sluice(...args);
    expect(answer.exitCode).toBe(2);
    expect(clear(answer)).toMatch(message);
  });
});

describe('sources', () => {
  /** Publishes once, then breaks an input: the published output must stay. */
  const published = async (name: string): Promise<string> => {
    const file = await smallPipeline(name);
    expect((await sluice('run', file)).exitCode).toBe(0);
    return file;
  };
  const unchanged = async (name: string): Promise<void> => {
    expect(await query(`SELECT id, note FROM ${name}.result ORDER BY id`)).toEqual([
      { id: 1, note: 'one' },
      { id: 2, note: 'two' },
      { id: 3, note: 'three' },
    ]);
  };

  test('that cannot be measured end the run with exit code 2, and leave the published output', async () => {
    const file = await published('spoilt');
    const good = await read(file);
    const cases: [string, () => Promise<unknown>, RegExp][] = [
      [
        'a glob that matches nothing',
        () => write(file, good.replace('data/small/*.csv', 'data/none/*.csv')),
        /small: no file matches data\/none\/\*\.csv/,
      ],
      [
        'another header',
        () => write('data/small/b.csv', 'id,text\n9,x\n'),
        /b\.csv:1: another header than the pipeline declares[\s\S]*found +id,text[\s\S]*expected id,note/,
      ],
      [
        'a binary file',
        () => write('data/small/b.csv', Uint8Array.from([31, 139, 8, 0, 0])),
        /b\.csv is a binary file, not CSV/,
      ],
      [
        'a table that is not there',
        () =>
          write(file, good.replace('branches:', '  more: { postgres: shop, table: ordres, key: order_id }\nbranches:')),
        /more: there is no table ordres in "shop"/,
      ],
      [
        'a column that is not there',
        () =>
          write(
            file,
            good.replace('branches:', '  more: { postgres: shop, table: spoilt.result, key: idd }\nbranches:'),
          ),
        /more: table spoilt\.result has no column idd — did you mean "id"\?/,
      ],
      [
        'a topic that is not there',
        () =>
          write(
            file,
            good.replace(
              'branches:',
              '  more: { kafka: shop, topic: order-event, key: id, columns: { id: string } }\nbranches:',
            ),
          ),
        /more: there is no topic order-event/,
      ],
    ];
    for (const [what, spoil, message] of cases) {
      await spoil();
      const answer = await sluice('run', file);
      expect(answer.exitCode, `${what}: ${answer.stderr}`).toBe(2);
      expect(clear(answer), what).toMatch(message);
      await rm(join(folder, 'data/small/b.csv'), { force: true });
      await write(file, good);
      await unchanged('spoilt');
    }
  });

  test('an empty file has no rows, and the other files are read', async () => {
    const file = await smallPipeline('partly');
    await write('data/small/b.csv', '');
    const answer = await sluice('run', file);
    await rm(join(folder, 'data/small/b.csv'));
    expect(answer.exitCode, answer.stdout).toBe(0);
    await unchanged('partly');
  });
});

describe('dependencies', () => {
  test('wrong credentials are named, the password is not', async () => {
    const file = await smallPipeline('locked');
    const connections = await read('conf/connections.yaml');
    await write(
      'conf/connections.yaml',
      connections.replace('shop: { database: shop }', 'shop: { database: shop, password: "${WRONG}" }'),
    );
    await write(
      file,
      (await read(file)).replace('branches:', '  more: { postgres: shop, table: orders, key: order_id }\nbranches:'),
    );
    const { exitCode, stdout, stderr } = await start(['run', file], { WRONG: 'open-sesame' });
    await write('conf/connections.yaml', connections);
    expect(exitCode).toBe(2);
    const all = clear({ exitCode, stdout: String(stdout), stderr: String(stderr) });
    expect(all).toMatch(/database "shop" refuses user "sluice": wrong credentials/);
    expect(all).not.toContain('open-sesame');
  });

  test('an unreachable Livy gives exit code 3 with a hint, and no run starts', async () => {
    const file = await smallPipeline('unreached');
    const connections = await read('conf/connections.yaml');
    await write('conf/connections.yaml', connections.replace('spark: {}', 'spark: { livy: "http://127.0.0.1:9" }'));
    const answer = await sluice('run', file);
    await write('conf/connections.yaml', connections);
    expect(answer.exitCode).toBe(3);
    expect(clear(answer)).toMatch(/http:\/\/127\.0\.0\.1:9 does not answer[\s\S]*hint .*sluice up/);
    expect(await query(`SELECT count(*) AS n FROM runs WHERE pipeline = 'unreached'`, 'sluice')).toEqual([{ n: 0 }]);
  });

  test('an unreachable run store gives exit code 3', async () => {
    const connections = await read('conf/connections.yaml');
    await write(
      'conf/connections.yaml',
      connections.replace('store: { database: sluice }', 'store: { url: "postgres://sluice@127.0.0.1:9/sluice" }'),
    );
    const answer = await sluice('runs');
    await write('conf/connections.yaml', connections);
    expect(answer.exitCode).toBe(3);
    expect(clear(answer)).toMatch(/PostgreSQL at 127\.0\.0\.1:9, database "sluice" cannot be reached/);
  });

  test('an output path that cannot be written fails the run before Spark, and names the path', async () => {
    const file = await smallPipeline('unwritable');
    await mkdir(join(folder, 'data/published'), { recursive: true });
    await write('data/published/unwritable', 'a file where the folder should be');
    const answer = await sluice('run', file);
    expect(answer.exitCode).toBe(1);
    expect(clear(answer)).toMatch(/not-prepared: .*data\/published\/unwritable cannot be written/);
    expect(await query(`SELECT to_regclass('unwritable.result') AS there`)).toEqual([{ there: null }]);
  });
});
