import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Question {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A string is sent unchanged, anything else as JSON. */
export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A fault of a request. */
export type Fault =
  /** It is executed, and the connection breaks before the response. */
  | 'lose-answer'
  /** The connection breaks before it is executed. */
  | 'break'
  /** It never gets a response. */
  | 'silent'
  /** It is executed this many milliseconds later. */
  | { readonly delay: number }
  /** It is not executed; this is the response. */
  | Reply
  | ((response: ServerResponse) => void);

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** A web server for tests on a free port of 127.0.0.1, with faults on demand. */
export abstract class FakeServer {
  /** Called before each response. */
  fault: (question: Question) => Fault | undefined = () => undefined;
  /** Method and address of every received request. */
  readonly requests: string[] = [];
  private readonly login: Login | undefined;
  private server: Server | undefined;
  private port = 0;

  constructor(login?: Login) {
    this.login = login;
  }

  protected abstract answer(question: Question): Reply | Promise<Reply>;

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Listens; after `close` on the same port. */
  async open(): Promise<this> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { pathname, searchParams } = new URL(request.url ?? '/', this.url);
        const { method = 'GET', headers } = request;
        this.requests.push(`${method} ${request.url}`);
        const body = Buffer.concat(chunks).toString();
        void this.serve({ method, path: pathname, query: searchParams, headers, body }, response);
      });
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.port, '127.0.0.1', resolve);
    });
    this.port = (server.address() as AddressInfo).port;
    return this;
  }

  /** Refuses new connections, and breaks the open ones. */
  async close(): Promise<void> {
    this.server?.closeAllConnections();
    await new Promise((resolve) => (this.server ? this.server.close(resolve) : resolve(undefined)));
    // Clients in this process notice the end of idle connections, and do not send the next request into one.
    await new Promise((resolve) => setTimeout(resolve, 5));
  }

  private async serve(question: Question, response: ServerResponse): Promise<void> {
    const fault = this.fault(question);
    if (typeof fault === 'function') return fault(response);
    if (fault === 'silent') return;
    if (fault === 'break') return void response.destroy();
    if (typeof fault === 'object' && 'delay' in fault) await pause(fault.delay);
    const reply = typeof fault === 'object' && 'status' in fault ? fault : await this.admitted(question);
    if (fault === 'lose-answer') return void response.destroy();
    const { status, body, headers } = reply;
    response.writeHead(status, { 'content-type': 'application/json;charset=utf-8', ...headers });
    response.end(body === undefined || typeof body === 'string' ? body : JSON.stringify(body));
  }

  private admitted(question: Question): Reply | Promise<Reply> {
    const { login } = this;
    const wanted = login && `Basic ${Buffer.from(`${login.user}:${login.password}`).toString('base64')}`;
    if (wanted === undefined || question.headers.authorization === wanted) return this.answer(question);
    return errorPage(401, question.path, 'Unauthorized', { 'www-authenticate': 'Basic realm="fake"' });
  }
}

/** Jetty's error page for requests that never reach the program behind it. */
export const errorPage = (
  status: number,
  path: string,
  reason: string,
  headers: Record<string, string> = {},
): Reply => ({
  status,
  headers: { 'content-type': 'text/html;charset=iso-8859-1', ...headers },
  body: `<html><body><h2>HTTP ERROR: ${status}</h2>\n<p>Problem accessing ${path}. Reason:\n<pre>    ${reason}</pre></p></body></html>\n`,
});

/** Waits without keeping the process alive. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms).unref());
