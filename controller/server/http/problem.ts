import { SluiceError } from '../../lib/errors.ts';

/** The kinds of problems that the API answers (RFC 9457), by their status. */
export const problemKinds = {
  400: ['invalid-request', 'The request is invalid'],
  401: ['unauthenticated', 'A valid token is required'],
  403: ['forbidden', 'The token does not grant this'],
  404: ['not-found', 'There is no such thing, or it is not visible'],
  405: ['method-not-allowed', 'The resource has other methods'],
  409: ['conflict', 'The state does not allow it'],
  410: ['gone', 'It was there, and is not any more'],
  412: ['precondition-failed', 'The resource has changed'],
  413: ['too-large', 'The body is too large'],
  415: ['unsupported-media-type', 'The body has an unsupported type'],
  421: ['misdirected', 'This server is not known by that name'],
  422: ['unprocessable', 'The request cannot be executed'],
  423: ['locked', 'It is paused'],
  429: ['too-many-requests', 'Too many requests'],
  500: ['unexpected', 'An unexpected error'],
  503: ['unavailable', 'Temporarily unavailable'],
} as const satisfies Record<number, readonly [string, string]>;
export type ProblemStatus = keyof typeof problemKinds;

/** What is wrong with one part of a request. */
export interface Detail {
  readonly in: 'body' | 'query' | 'path' | 'header';
  /** A JSON Pointer into that part. */
  readonly pointer: string;
  readonly message: string;
  readonly hint?: string;
}

/** An error with the status of its answer. */
export class Problem extends SluiceError {
  override readonly name = 'Problem';
  readonly status: ProblemStatus;
  readonly details: readonly Detail[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: ProblemStatus,
    message: string,
    options: {
      readonly hint?: string;
      readonly details?: readonly Detail[];
      readonly headers?: Readonly<Record<string, string>>;
      readonly cause?: unknown;
    } = {},
  ) {
    const { hint, cause } = options;
    const kind = status === 503 || status === 429 ? 'unavailable' : 'rejected';
    super(message, { kind, ...(hint !== undefined && { hint }), ...(cause !== undefined && { cause }) });
    this.status = status;
    this.details = options.details ?? [];
    this.headers = options.headers ?? {};
  }
}

/** The problem that another error means. */
export const problemBy = (
  cause: unknown,
  status: ProblemStatus,
  message: string,
  options: { readonly hint?: string; readonly details?: readonly Detail[] } = {},
): Problem => new Problem(status, message, { ...options, cause });

/** When a client may try again after an unavailable dependency. Seconds. */
const retryAfterSeconds = 5;

/**
 * The problem for any thrown value. A rejected error is the request's fault, an unavailable one passes. The message of
 * an unforeseen error is not shown: it may name paths and values.
 */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (!(error instanceof SluiceError))
    return new Problem(500, 'the request could not be processed; the log of the server has the reason', {
      cause: error,
    });
  const hint = error.hint === undefined ? {} : { hint: error.hint };
  return error.kind === 'rejected'
    ? new Problem(422, error.message, { ...hint, cause: error })
    : new Problem(503, error.message, {
        ...hint,
        headers: { 'retry-after': String(retryAfterSeconds) },
        cause: error,
      });
}

/** The answer to a problem. `instance` identifies the request, as in the log. */
export function problemResponse(problem: Problem, instance: string): Response {
  const { status, message, hint, details, headers } = problem;
  const [kind, title] = problemKinds[status];
  const body = {
    type: `/problems/${kind}`,
    title,
    status,
    detail: message,
    instance,
    ...(hint !== undefined && { hint }),
    ...(details.length > 0 && { errors: details }),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  });
}
