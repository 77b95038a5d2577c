import type { z } from 'zod';
import type { Scope } from '../../domain/ports/tokens.ts';
import type { Sent } from '../streams/sse.ts';
import type { Api } from './api.ts';
import type { ProblemStatus } from './problem.ts';

/** Who sends a request, and what that one may do. */
export interface Principal {
  /** Identifies it in limits and keys: the id of a token, or the door and the name of a user. */
  readonly id: string;
  readonly name: string;
  /** The id of the token, if there is one. */
  readonly token: string | undefined;
  readonly scopes: readonly Scope[];
  /** The names of the pipelines that it sees, in which `*` stands for any text. */
  readonly pipelines: readonly string[];
}

/** A request that has passed the doors, with its checked parts. */
export interface Asked<P, Q, B> {
  readonly api: Api;
  readonly principal: Principal;
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** The body as it was sent. */
  readonly raw: Uint8Array;
  readonly headers: Headers;
  readonly url: URL;
  /** Whether the client came by TLS, through a trusted proxy. */
  readonly isTls: boolean;
  /** Aborts when the client has left, or the time for the answer is over. */
  readonly signal: AbortSignal;
  /** Answers with a stream of events; undefined when the client does not ask for one. */
  readonly stream: ((events: (signal: AbortSignal) => AsyncIterable<Sent>) => Response) | undefined;
}

export interface Reply<T> {
  readonly body: T;
  /** The route's own, when left out. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An example of a request and of its answer, which a test checks against the schemas. */
export interface Example<P, Q, B, R> {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly answer?: R;
}

/**
 * A route: the one source of routing, validation, rights, the OpenAPI document and the client. `path` is below /api/v1
 * unless `isRoot`; `{name}` is a parameter, and `:verb` at its end an action.
 */
export interface Route<
  P extends z.ZodObject = z.ZodObject,
  Q extends z.ZodObject = z.ZodObject,
  B extends z.ZodType = z.ZodType,
  R extends z.ZodType = z.ZodType,
> {
  /** The name in the OpenAPI document and in clients. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly isRoot?: true;
  /** For people with a browser: it has a session, problems are pages, and empty fields of forms count as left out. */
  readonly isPage?: true;
  /** It answers without the store, too: a token that was right lately opens it while the store is away. */
  readonly isWithoutStore?: true;
  /** `none` asks for no token. */
  readonly scope: Scope | 'none';
  readonly summary: string;
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  /** The media type of the body; JSON when left out. Any other one is in `raw`. With a star for both parts, any type. */
  readonly accepts?: string;
  /** The longest body. Bytes; 1 MiB when left out. */
  readonly maximumBytes?: number;
  /** The status of success; 200 when left out. */
  readonly status?: 200 | 201 | 202 | 204;
  /** The answer as JSON; left out, the answer has no JSON. */
  readonly response?: R;
  /** Other forms of the answer: what they have, by media type. */
  readonly also?: Readonly<Record<string, string>>;
  /** Request headers that it understands, with their meaning. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The statuses of problems beyond those of all routes. */
  readonly errors?: readonly ProblemStatus[];
  readonly example: Example<z.input<P>, z.input<Q>, z.input<B>, z.input<R>>;
  handler(asked: Asked<z.output<P>, z.output<Q>, z.output<B>>): Promise<Reply<z.input<R>> | Response>;
}

/** Declares a route; its types follow from its schemas. */
export const route = <
  P extends z.ZodObject = z.ZodObject<Record<never, never>>,
  Q extends z.ZodObject = z.ZodObject<Record<never, never>>,
  B extends z.ZodType = z.ZodUndefined,
  R extends z.ZodType = z.ZodUndefined,
>(
  declared: Route<P, Q, B, R>,
): Route<P, Q, B, R> => declared;

/** A route of any types, for tables. */
export type AnyRoute = Route<z.ZodObject, z.ZodObject, z.ZodType, z.ZodType>;

/** The path below which all routes are that are not at the root. */
export const base = '/api/v1';

export const fullPath = ({ path, isRoot }: Pick<Route, 'path' | 'isRoot'>): string => (isRoot ? path : base + path);

/** A route for the log, the audit and limits: its method and pattern, without values. */
export const patternOf = (of: Pick<Route, 'method' | 'path' | 'isRoot'>): string => `${of.method} ${fullPath(of)}`;
