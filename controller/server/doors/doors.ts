import type { ServeSettings } from '../../config/serve.ts';
import type { AuditEntry } from '../../domain/ports/audit.ts';
import type { RunStore } from '../../domain/ports/store.ts';
import { reasonOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { type AnyRoute, type Principal, patternOf } from '../http/route.ts';
import { assertScope, login, unauthenticated } from './authenticate.ts';
import { FailedLogins, RateLimit, StreamLimit } from './limits.ts';
import { assertSameOrigin, assertSameSite, networks } from './origin.ts';
import { RecentTokens } from './recent-tokens.ts';
import { sessionOf } from './session.ts';

interface DoorDeps {
  readonly store: RunStore;
  readonly settings: ServeSettings;
  /** Whether the server is known by the name in a Host header. */
  readonly isKnownHost: (host: string) => boolean;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Requests of an address before any login, as a multiple of those that a token may send. */
const addressFactor = 10;

/** What every request passes before its route: names, sites, limits, logins, rights. It also writes the audit log. */
export class Doors {
  readonly streams: StreamLimit;
  private readonly deps: DoorDeps;
  private readonly addresses: RateLimit;
  private readonly reads: RateLimit;
  private readonly writes: RateLimit;
  private readonly failures = new FailedLogins();
  private readonly strangers = new FailedLogins();
  private readonly recent = new RecentTokens();
  private readonly isProxy: (address: string) => boolean;

  constructor(deps: DoorDeps) {
    const { reads, writes, streams, streamsPerToken } = deps.settings.limits;
    this.deps = deps;
    this.addresses = new RateLimit('address', {
      perSecond: reads.perSecond * addressFactor,
      burst: reads.burst * addressFactor,
    });
    this.reads = new RateLimit('read', reads);
    this.writes = new RateLimit('write', writes);
    this.streams = new StreamLimit(streams, streamsPerToken);
    this.isProxy = networks(deps.settings.proxy?.from ?? []);
  }

  /** The client's address: behind a trusted proxy the last one that it names. */
  addressOf({ headers }: Request, remote = 'unknown'): string {
    const forwarded = this.isProxy(remote) ? headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined;
    return forwarded?.slice(0, 64) || remote;
  }

  /** Whether the client came by TLS: a trusted proxy says so. */
  isTls({ headers }: Request, remote = 'unknown'): boolean {
    return this.isProxy(remote) && headers.get('x-forwarded-proto')?.split(',').at(-1)?.trim() === 'https';
  }

  /** Throws a Problem for a request by a strange name, from another site, or of an address with too many requests. */
  enter(request: Request, address: string): Record<string, string> {
    assertSameSite(request, this.deps.isKnownHost);
    return this.addresses.take(address, performance.now());
  }

  /** Finds who sends a request. Throws a Problem for a refused login, which is in the audit log. */
  async admit(of: AnyRoute, request: Request, remote: string | undefined, address: string): Promise<Principal> {
    const { headers } = request;
    if (of.isPage && of.method !== 'GET') assertSameOrigin(headers);
    if (of.scope === 'none')
      return { id: `address:${address}`, name: 'unknown', token: undefined, scopes: [], pipelines: [] };
    const { store, settings, now } = this.deps;
    // A browser sends its cookie by itself, so it opens no change but that of a form of this site.
    const session = of.isPage || of.method === 'GET' ? sessionOf(headers, this.isTls(request, remote)) : undefined;
    const tokens = of.isWithoutStore ? this.recent.over(store) : store;
    const door = { tokens, settings, isProxy: this.isProxy, now };
    const found = await login(headers, remote ?? '', door, session);
    if (!('refused' in found)) {
      this.failures.clear(address);
      return found;
    }
    // A browser without a session is led to the login.
    if (of.isPage && found.isWithout) throw unauthenticated();
    const silent = this.failures.add(address, performance.now());
    const detail = silent === 0 ? found.refused : `${found.refused}; ${silent} more refused since`;
    await this.record({ by: 'unknown', token: undefined, address, action: patternOf(of), status: 401, detail });
    throw unauthenticated();
  }

  /** Throws a Problem when a principal has sent too many requests, or lacks the right to this one. */
  authorize(of: AnyRoute, principal: Principal): Record<string, string> {
    if (of.scope === 'none') return {};
    const headers = (of.method === 'GET' ? this.reads : this.writes).take(principal.id, performance.now());
    assertScope(principal, of.scope);
    return headers;
  }

  /** Writes the audit log about a refused request without a token; of an address that sends many, only some. */
  async recordStranger(entry: Omit<Parameters<Doors['record']>[0], 'detail'>): Promise<void> {
    let silent: number;
    try {
      silent = this.strangers.add(entry.address ?? '', performance.now());
    } catch {
      return;
    }
    await this.record({ ...entry, detail: silent === 0 ? undefined : `${silent} more refused since` });
  }

  /** Writes the audit log. A request that was executed is not undone when that fails; the log of the server says so. */
  async record(entry: Omit<AuditEntry, 'at' | 'target'> & { readonly target?: string | undefined }): Promise<void> {
    const { store, logger, now } = this.deps;
    await store.recordAudit({ at: now(), target: undefined, ...entry }).catch((error: unknown) => {
      logger.log('error', `the audit log cannot be written: ${reasonOf(error)}`);
    });
  }
}
