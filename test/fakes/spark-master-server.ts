import { errorPage, FakeServer, type Question, type Reply } from './http.ts';

export interface FakeApplication {
  readonly id: string;
  readonly name: string;
  state: 'RUNNING' | 'FINISHED' | 'KILLED';
  /** The stages that its driver's UI lists. */
  stages: readonly object[];
}

/** The web page of a Spark 3.5 standalone master: one worker, and the applications that drivers register. */
export class FakeSparkMaster extends FakeServer {
  /** The newest first, as the master lists them. */
  readonly applications: FakeApplication[] = [];
  private readonly kills = new Map<string, () => void>();
  private registered = 0;

  /** `killed` is called when the application is killed on the master's page. */
  register(name: string, killed: () => void = () => undefined): FakeApplication {
    const id = `app-20260101000000-${String(this.registered++).padStart(4, '0')}`;
    const application: FakeApplication = { id, name, state: 'RUNNING', stages: [] };
    this.applications.unshift(application);
    this.kills.set(id, killed);
    return application;
  }

  /** The driver has ended. A failed driver leaves FINISHED, too. */
  unregister(application: FakeApplication): void {
    if (application.state === 'RUNNING') application.state = 'FINISHED';
  }

  protected answer({ method, path, body }: Question): Reply {
    if (path === '/json/') return { status: 200, body: this.page() };
    if (path === '/app/kill/') {
      if (method !== 'POST') return errorPage(405, path, 'Method Not Allowed');
      const form = new URLSearchParams(body);
      if (form.get('terminate') === 'true') this.kill(form.get('id'));
      return { status: 302, headers: { location: '/' } };
    }
    const [, id] = /^\/proxy\/([^/]+)\/api\/v1\/applications\/\1\/stages$/.exec(path) ?? [];
    const shown = this.applications.find((each) => each.id === id && each.state === 'RUNNING');
    return shown ? { status: 200, body: shown.stages } : errorPage(403, path, 'Forbidden');
  }

  private kill(id: string | null): void {
    const application = this.applications.find((each) => each.id === id);
    if (application?.state !== 'RUNNING') return;
    application.state = 'KILLED';
    this.kills.get(application.id)?.();
  }

  private page(): object {
    const listed = (active: boolean): object[] =>
      this.applications
        .filter((each) => (each.state === 'RUNNING') === active)
        .map(({ id, name, state }) => ({ id, name, state, cores: 2, user: 'test', memoryperexecutor: 512 }));
    const activeapps = listed(true);
    const coresused = activeapps.length > 0 ? 2 : 0;
    const worker = { state: 'ALIVE', cores: 2, coresused, coresfree: 2 - coresused, memory: 7168, memoryused: 0 };
    return { status: 'ALIVE', workers: [worker], aliveworkers: 1, activeapps, completedapps: listed(false) };
  }
}
