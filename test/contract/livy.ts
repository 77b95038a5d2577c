import { describe, expect, test } from 'vitest';

interface Reply {
  readonly status: number;
  readonly body: unknown;
}
/** The URL of a Livy, and the headers that it requires. */
interface Address {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The responses of Livy on which the backend relies. It holds the fake Livy to the real one. Starts no driver. */
export function livyContract(name: string, open: () => Promise<Address>): void {
  describe(`the answers of ${name}`, async () => {
    const { url, headers } = await open();
    const { authorization: _, ...anonymous } = headers;
    const key = (word: string): string => `contract-${word}`;
    const ask = async (path: string, method = 'GET', body?: string, sent = headers): Promise<Reply> => {
      const response = await fetch(`${url}${path}`, { method, headers: sent, ...(body === undefined ? {} : { body }) });
      const text = await response.text();
      const isJson = text !== '' && /json/.test(response.headers.get('content-type') ?? '');
      return { status: response.status, body: isJson ? JSON.parse(text) : text };
    };
    const post = (request: object): Promise<Reply> =>
      ask('/batches', 'POST', JSON.stringify(request), { ...headers, 'x-requested-by': 'test' });
    const remove = (word: string): Promise<Reply> =>
      ask(`/batches/${key(word)}`, 'DELETE', undefined, { ...headers, 'x-requested-by': 'test' });

    test('to a submission that is refused while it is started, which keeps its name until it is deleted', async () => {
      const noFile = await post({ name: key('taken') });
      expect(noFile).toEqual({ status: 400, body: { msg: 'requirement failed: File is required.' } });
      const seen = await ask(`/batches/${key('taken')}`);
      expect(seen).toMatchObject({ status: 200, body: { name: key('taken'), state: 'starting', appId: null } });
      const { id } = seen.body as { id: number };
      expect(await ask(`/batches/${id}`)).toEqual(seen);
      expect(await ask(`/batches/${id}/state`)).toEqual({ status: 200, body: { id, state: 'starting' } });
      const again = await post({ name: key('taken'), file: 'local:/x.jar' });
      expect(again.status).toBe(400);
      // A refused submission uses up an id.
      expect(again.body).toEqual({ msg: `Duplicate session name: Some(${key('taken')}) for session ${id + 1}` });
      expect((await ask('/batches?from=0&size=5000')).body).toMatchObject({
        from: 0,
        sessions: expect.arrayContaining([seen.body]),
      });
      expect(await remove('taken')).toEqual({ status: 200, body: { msg: 'deleted' } });
      expect((await ask(`/batches/${key('taken')}`)).status).toBe(404);
    });

    test.each([
      [
        'a jar that is not allowed',
        { file: 'file:/etc/passwd' },
        400,
        /Local path \/etc\/passwd cannot be added to user/,
      ],
      ['a path that is not absolute', { file: 'x.jar' }, 400, /Path 'x.jar' is not absolute/],
      [
        'an argument longer than the system takes',
        { file: 'local:/x.jar', args: ['x'.repeat(200_000)] },
        500,
        /too long/,
      ],
    ])('to %s, which stays listed, too', async (_what, request, status, says) => {
      const reply = await post({ name: key('refused'), ...request });
      expect([reply.status, JSON.stringify(reply.body)]).toEqual([status, expect.stringMatching(says)]);
      expect(await ask(`/batches/${key('refused')}`)).toMatchObject({ status: 200, body: { state: 'starting' } });
      expect((await remove('refused')).status).toBe(200);
    });

    test.each([
      ['half a request', '{"name": ', /Unexpected end-of-input/],
      ['an empty request', '', /No content to map due to end-of-input/],
      ['a list', '[]', /Cannot deserialize instance/],
      ['an unknown field', '{"name":"contract-field","foo":1}', /Unrecognized field \\"foo\\"/],
      ['a name that could be an id', '{"name":"123"}', /Invalid session name: 123/],
    ])('to %s, which leaves no batch', async (_what, body, says) => {
      const before = (await ask('/batches')).body as { total: number };
      const reply = await ask('/batches', 'POST', body, { ...headers, 'x-requested-by': 'test' });
      expect([reply.status, JSON.stringify(reply.body)]).toEqual([400, expect.stringMatching(says)]);
      expect((await ask('/batches')).body).toMatchObject({ total: before.total });
    });

    test.each([
      '/batches/missing',
      '/batches/999999',
      '/batches/missing/state',
      '/batches/missing/log',
      '/batches/not%20there%2Fx',
    ])('to a request for a missing batch: %s', async (path) => {
      const asked = decodeURIComponent(path.split('/')[2] ?? '');
      expect(await ask(path)).toEqual({ status: 404, body: { msg: `Session '${asked}' not found.` } });
    });

    test('to an id or an offset that is not a number', async () => {
      for (const [path, what] of [
        ['/batches/99999999999', '99999999999'],
        ['/batches?from=x', 'x'],
      ])
        expect(await ask(path as string)).toEqual({ status: 400, body: { msg: `For input string: "${what}"` } });
      expect((await ask('/batches?from=100000&size=5')).body).toMatchObject({ from: 100_000, sessions: [] });
    });

    test('to a request without a login, to one that may come from another site, and to an unsupported one', async () => {
      expect((await ask('/batches', 'GET', undefined, anonymous)).status).toBe(401);
      const forged = await ask('/batches', 'POST', '{}', headers);
      expect(forged.status).toBe(400);
      expect(forged.body).toMatch(/Missing Required Header for CSRF protection/);
      expect((await ask('/batches', 'PUT', '{}', { ...headers, 'x-requested-by': 'test' })).status).toBe(405);
      expect((await ask('/nowhere')).status).toBe(404);
    });
  });
}
