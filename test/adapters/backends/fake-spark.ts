import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Batch {
  readonly id: number;
  readonly name: string;
  readonly kind: string;
  looks: number;
  killed: boolean;
}

/** What the fake says in place of the truth: a body, or whatever it does with the response. */
type Lie = string | ((response: ServerResponse) => void);

/**
 * Livy and a Spark master behind one address, in memory: a batch starts, runs when it is looked at again, and then ends as
 * its class name says: Short succeeds, Failing fails, Long goes on. `lie` is asked before each answer.
 */
export class FakeSpark {
  lie: (path: string) => Lie | undefined = () => undefined;
  readonly requests: string[] = [];
  private readonly batches: Batch[] = [];
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    this.requests.push(`${request.method} ${path}`);
    let body = '';
    for await (const chunk of request) body += chunk;
    const lie = this.lie(path);
    if (typeof lie === 'function') return lie(response);
    if (lie !== undefined) return void response.end(lie);
    const [status, said] = path.startsWith('/batches')
      ? this.livy(request.method ?? '', path, body)
      : this.master(path, body);
    response.statusCode = status;
    response.end(JSON.stringify(said));
  }

  private livy(method: string, path: string, body: string): [number, unknown] {
    const [, , name, log] = path.split(/[/?]/).map(decodeURIComponent);
    if (method === 'POST') {
      const { name: wanted, args } = JSON.parse(body) as { name: string; args: string[] };
      const [kind = ''] = args;
      if (this.batches.some((each) => each.name === wanted)) return [400, { msg: `Duplicate session name: ${wanted}` }];
      const batch = { id: this.batches.length, name: wanted, kind, looks: 0, killed: false };
      this.batches.push(batch);
      return [201, this.shown(batch)];
    }
    if (path.includes('?from=') && log === undefined)
      return [200, { sessions: this.batches.map((b) => this.shown(b)) }];
    const batch = this.batches.find((each) => each.name === name || String(each.id) === name);
    if (!batch) return [404, { msg: 'Session not found.' }];
    if (log !== undefined) return [200, { log: ['stdout:', `ran ${batch.kind}`] }];
    if (method === 'DELETE') batch.killed = true;
    else batch.looks += 1;
    return [200, this.shown(batch)];
  }

  private shown(batch: Batch): object {
    const { id, name, looks, kind, killed } = batch;
    const end = kind === 'Short' ? 'success' : kind === 'Failing' ? 'dead' : 'running';
    return { id, name, appId: null, state: killed ? 'killed' : looks < 2 ? 'starting' : looks < 4 ? 'running' : end };
  }

  private master(path: string, body: string): [number, unknown] {
    if (path === '/app/kill/') {
      const killed = this.batches.find(({ id }) => `app-${id}` === new URLSearchParams(body).get('id'));
      if (killed) killed.killed = true;
    }
    const begun = this.batches.filter(({ looks }) => looks >= 2);
    const over = (b: Batch): boolean => b.killed || (b.kind !== 'Long' && b.looks >= 4);
    const listed = (which: boolean) =>
      begun
        .filter((b) => over(b) === which)
        .map((b) => ({ id: `app-${b.id}`, name: b.name, state: b.killed ? 'KILLED' : which ? 'FINISHED' : 'RUNNING' }));
    const workers = [{ state: 'ALIVE', cores: 2, coresfree: 1, memory: 2048 }];
    return [200, { workers, activeapps: listed(false), completedapps: listed(true) }];
  }
}
