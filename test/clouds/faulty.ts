import { request as ask, createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What happens to a request: `lost` acts and cuts the connection, `cut` does neither act nor answer, a status
 * is that of an answer without acting.
 */
export type Fault = 'lost' | 'cut' | { readonly status: number; readonly code: string } | undefined;

/** A proxy in front of a service, with faults. It keeps the host name, which signatures cover. */
export async function faultyProxy(target: string, faultOf: (request: IncomingMessage) => Fault) {
  const { hostname, port } = new URL(target);
  const server = createServer((request, response) => {
    const fault = faultOf(request);
    if (fault === 'cut') return request.socket.destroy();
    if (typeof fault === 'object') {
      request.resume();
      const body = `<Error><Code>${fault.code}</Code><Message>no</Message></Error>`;
      return request.on('end', () => response.writeHead(fault.status, { 'content-type': 'application/xml' }).end(body));
    }
    const { method, url, headers } = request;
    const passed = ask({ hostname, port, method, path: url, headers }, (answer) => {
      if (fault === 'lost') return answer.resume().on('end', () => request.socket.destroy());
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      return answer.pipe(response);
    });
    passed.on('error', () => request.socket.destroy());
    return request.pipe(passed);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
