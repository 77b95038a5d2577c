/** The rights of an API token. `admin` includes all others. */
export const scopes = ['read', 'data', 'runs:write', 'triggers:write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** An API token as it is stored: without its secret. Times are milliseconds since 1970. */
export interface ApiToken {
  /** The public part of the token. */
  readonly id: string;
  readonly name: string;
  /** The SHA-256 of the secret, in hex. The secret has 256 random bits, so it needs no slower hash. */
  readonly hash: string;
  readonly scopes: readonly Scope[];
  /** The pipelines that it may see and run: names in which `*` stands for any text. */
  readonly pipelines: readonly string[];
  readonly created: number;
  /** Who created it: the name of a token, or user@host. */
  readonly by: string;
  readonly expires: number | undefined;
  readonly used: number | undefined;
  readonly revoked: number | undefined;
}

/** The API tokens of this project alone. */
export interface TokenStore {
  addToken(token: ApiToken): Promise<void>;
  /** The token with this id, also when it has expired or was revoked. */
  token(id: string): Promise<ApiToken | undefined>;
  /** All tokens, the newest first. */
  tokens(): Promise<ApiToken[]>;
  /** Records a use, at most one a minute. */
  tokenUsed(id: string, at: number): Promise<void>;
  /** Revokes a token for good. False when it is unknown or was revoked before. */
  revokeToken(id: string, at: number): Promise<boolean>;
}
