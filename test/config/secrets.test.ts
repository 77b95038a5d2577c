import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { builtIn } from '../../controller/app/registry.ts';
import { loadProject } from '../../controller/config/project.ts';
import { secretsOf } from '../../controller/config/secrets.ts';

const additions = {
  sections: Object.fromEntries(builtIn.telemetry.map(({ connection }) => [connection.section, connection.spec])),
};

test('all secrets of conf/ and of the stack are known, and nothing else', async () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-secrets-'));
  mkdirSync(join(root, 'conf'));
  mkdirSync(join(root, '.sluice', 'secrets'), { recursive: true });
  writeFileSync(join(root, '.sluice/secrets/stack'), 'of-the-stack\n');
  writeFileSync(
    join(root, 'conf/connections.yaml'),
    `postgres: { shop: { url: 'postgres://me:in-the-url@db/shop' }, other: { user: me, password: of-postgres } }
kafka: { shop: { brokers: ['a:1'], sasl: { mechanism: PLAIN, user: me, password: of-kafka } } }
spark: { livy: 'https://livy:1', livyUser: me, livyPassword: of-livy, history: 'http://u:of-history@h:1' }
openlineage: { a: { url: 'https://lineage:1', token: of-lineage }, b: { url: 'https://l:1', user: me, password: of-b } }
otlp: { a: { url: 'http://collector:1', headers: { x-my-team: of-team, x-scope: shop, x-own: of-sixteen-characters } } }
mail: { url: 'smtps://mail:1', user: me, password: of-mail }
`,
  );
  const secrets = secretsOf(await loadProject(root, additions));
  expect(secrets.toSorted()).toEqual(
    [
      'of-lineage',
      'of-b',
      'of-team',
      'of-sixteen-characters',
      'in-the-url',
      'of-history',
      'of-kafka',
      'of-livy',
      'of-mail',
      'of-postgres',
      'of-the-stack',
    ].toSorted(),
  );
  rmSync(root, { recursive: true });
});
