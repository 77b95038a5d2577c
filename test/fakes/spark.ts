import { type LivyOptions, livyBackend } from '../../controller/adapters/backends/livy/livy.ts';
import type { BatchBackend } from '../../controller/domain/ports/backend.ts';
import type { Login } from './http.ts';
import { type Driver, FakeLivy } from './livy-server.ts';
import { FakeSparkMaster } from './spark-master-server.ts';

export interface FakeSpark {
  readonly livy: FakeLivy;
  readonly master: FakeSparkMaster;
  /** The master's address, with the login. */
  readonly masterAddress: string;
  /** A backend with an empty cache; an existing one may answer from its cache. */
  backend(options?: Partial<LivyOptions>): BatchBackend;
  close(): Promise<void>;
}

/** A Livy and its Spark master, both listening. */
export async function fakeSpark(
  options: { readonly login?: Login; readonly drivers?: Readonly<Record<string, Driver>> } = {},
): Promise<FakeSpark> {
  const master = await new FakeSparkMaster(options.login).open();
  const livy = await new FakeLivy(master, options).open();
  const { user, password } = options.login ?? {};
  const login = [user, password].map((part = '') => encodeURIComponent(part)).join(':');
  const masterAddress = options.login ? master.url.replace('://', `://${login}@`) : master.url;
  return {
    livy,
    master,
    masterAddress,
    backend: (more) =>
      livyBackend({
        url: livy.url,
        jar: () => 'local:/runner.jar',
        user,
        password,
        sparkMaster: masterAddress,
        historyServer: 'http://history',
        ...more,
      }),
    close: async () => void (await Promise.all([livy.close(), master.close()])),
  };
}
