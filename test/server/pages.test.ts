import { expect, test } from 'vitest';
import { routes } from '../../controller/server/routes-table.ts';
import { world } from './world.ts';

test('the API is described by a page that loads nothing, and names every route', async () => {
  const { get } = await world();
  const response = await get('/docs', { as: null });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  expect(response.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; style-src 'sha256-[^']+'; frame/,
  );
  const page = await response.text();
  expect(page).not.toMatch(/<(script|img|link|iframe)|<[^>]*[ ](src|on[a-z]+)=/);
  for (const { summary } of routes) expect(page).toContain(summary.replaceAll('"', '&quot;').split('`')[0]);
});
