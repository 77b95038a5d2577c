import { connect, createServer, type Server, type Socket } from 'node:net';

/** How a proxy treats a connection: passes it, or injects a fault. */
export type Mode =
  | 'pass'
  /** The next POST arrives and is executed; its response is lost. */
  | 'lose-answer'
  /** Accepts the request and never responds. */
  | 'silent'
  /** Sends this response to every request. */
  | { readonly says: string };

/** A TCP proxy in front of a local server. It can disappear and return on the same port. */
export class TcpProxy {
  private mode: Mode = 'pass';
  /** The first lines of the received requests. */
  readonly requests: string[] = [];
  /** The number of lost responses. */
  lost = 0;
  port = 0;
  private server: Server | undefined;
  private readonly sockets = new Set<Socket>();
  private readonly target: number;

  constructor(target: number) {
    this.target = target;
  }

  open(): Promise<this> {
    const server = createServer((client) => this.serve(client));
    this.server = server;
    return new Promise((resolve) => {
      server.listen(this.port, '127.0.0.1', () => {
        this.port = (server.address() as { port: number }).port;
        resolve(this);
      });
    });
  }

  /** Sets the treatment of requests from now on. Open connections are broken, except before a lost response. */
  set(mode: Mode): void {
    this.mode = mode;
    if (mode !== 'lose-answer') for (const socket of this.sockets) socket.destroy();
  }

  /** Refuses new connections, and breaks the open ones. */
  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => (this.server ? this.server.close(() => resolve()) : resolve()));
  }

  private serve(client: Socket): void {
    this.watch(client);
    const { mode } = this;
    if (mode === 'silent') return;
    if (typeof mode === 'object') {
      client.once('data', () => client.end(mode.says));
      return;
    }
    const server = this.watch(connect(this.target, '127.0.0.1'));
    let losing = false;
    client.on('data', (chunk: Buffer) => {
      const line = chunk.toString('latin1').split('\r\n', 1)[0] ?? '';
      if (line.endsWith('HTTP/1.1')) this.requests.push(line);
      if (this.mode === 'lose-answer' && chunk.toString('latin1').startsWith('POST ')) {
        losing = true;
        this.mode = 'pass';
      }
      server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => {
      if (!losing) {
        client.write(chunk);
        return;
      }
      this.lost += 1;
      client.destroy();
    });
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  }

  private watch(socket: Socket): Socket {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    return socket;
  }
}

/** An HTTP response as bytes. */
export const answer = (status: string, body: string, length = body.length): string =>
  `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\nconnection: close\r\n\r\n${body}`;
