/** Who did what through a door, or was refused. Never with a token, a secret or the body of a request. */
export interface AuditEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The name of a token, the user that a proxy names, or user@host of a command; `unknown` for a refused login. */
  readonly by: string;
  /** The id of the token. */
  readonly token: string | undefined;
  /** The network address of the client; undefined for a command. */
  readonly address: string | undefined;
  /** The method and the path of a route, such as `POST /api/v1/runs/{run}:cancel`, or a command. */
  readonly action: string;
  /** What it was done to, such as a run. */
  readonly target: string | undefined;
  /** The HTTP status of the answer; 200 for a command that succeeded. */
  readonly status: number;
  readonly detail: string | undefined;
}

/** An entry with its place in the log. */
export interface Audited extends AuditEntry {
  readonly number: number;
}

/** The audit log of this project alone. Entries are only ever added. */
export interface AuditStore {
  recordAudit(entry: AuditEntry): Promise<void>;
  /** The newest entries with a number below `before`, the newest first. */
  audit(filter: { readonly before?: number; readonly limit: number }): Promise<Audited[]>;
}
