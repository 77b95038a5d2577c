import { createServer } from 'node:http';
import { until } from './servers.ts';
import { said, start } from './world.ts';

/** A service of alerts that refuses everything, and quotes all it was sent. */
export function refusing() {
  const heard: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on('end', () => {
      const { url = '', headers } = request;
      const all = `${url} ${decodeURIComponent(url)} ${JSON.stringify(headers)} ${body}`;
      heard.push(all);
      response.writeHead(403).end(all);
    });
  });
  return { server, heard };
}

/** Alerts to such a service by four channels, with secrets of their own, and a watchdog. */
export const alerting = (
  port: number,
): string => `slack: { ops: { hook: "http://127.0.0.1:${port}/hooks/\${SLACK_HOOK}" } }
webhook: { ops: { url: "http://127.0.0.1:${port}/events", secret: "\${WEBHOOK_SECRET}" } }
pagerduty: { ops: { routingKey: "\${PAGER_KEY}", api: "http://127.0.0.1:${port}" } }
alertmanager: { ops: { url: "http://127.0.0.1:${port}", user: me, password: "\${MANAGER_PW}" } }
alerts:
  every: 1s
  heartbeat: { hook: "http://127.0.0.1:${port}/beat/\${WATCHDOG}", every: 1s }
  notify: [{ slack: ops }, { webhook: ops }, { pagerduty: ops }, { alertmanager: ops }]
`;

/** What a server logs, its pages and its metrics, when the alert about a failed run was refused by all channels. */
export async function served(
  root: string,
  env: Record<string, string>,
  run: string,
  started: (pid: number | undefined) => void,
): Promise<string> {
  const making = start(['token', 'create', 'canary', '--scope', 'admin', '--json'], env, root);
  started(making.pid);
  const { token } = JSON.parse((await making).stdout) as { token: string };
  const args = ['serve', '--bind', '127.0.0.1:0', '--log-format', 'json', '--log-level', 'debug', '--runs', '0'];
  const child = start(args, env, root);
  started(child.pid);
  const [, url = ''] = await said(child, /"url":"(http[^"]+)"/);
  const get = async (path: string): Promise<string> =>
    (await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })).text();
  await until(async () => (await get('/api/v1/alerts?state=open')).includes('MessagesRefused'));
  const pages = [
    '/',
    '/runs',
    `/runs/${run}`,
    '/alerts',
    '/messages',
    '/pipelines/fails',
    '/settings',
    '/calendar',
    '/audit',
    `/runs/${run}/diff`,
  ];
  const texts = await Promise.all([...pages, '/metrics', '/api/v1/alerts', '/api/v1/promises'].map(get));
  child.kill('SIGTERM');
  const { stdout, stderr } = await child;
  return [...texts, stdout, stderr].join('\n');
}
