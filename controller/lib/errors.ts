/** The cause of a failed request: the request itself, a temporary condition, or not known yet. */
export type ErrorKind = 'rejected' | 'unavailable' | 'unknown-outcome';

/**
 * An error with advice: `message` names the request and the response, `hint` the fix. `rejected` ends a command with
 * exit code 2, `unavailable` and `unknown-outcome` with 3.
 */
export class SluiceError extends Error {
  override readonly name: string = 'SluiceError';
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(message: string, options: { kind: ErrorKind; hint?: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = options.kind;
    this.hint = options.hint;
  }
}

export const rejected = (message: string, hint?: string): SluiceError =>
  new SluiceError(message, hint === undefined ? { kind: 'rejected' } : { kind: 'rejected', hint });

/** The errors of a file system that accepts no more data at a path. DuckDB and the services pass on only the text. */
const unwritableCodes: Readonly<Record<string, RegExp>> = {
  ENOSPC: /no space left on device/i,
  EDQUOT: /quota exceeded/i,
  EFBIG: /file too large/i,
  EROFS: /read-only file system/i,
};

/** The code of an error that means a path cannot be written, such as ENOSPC; undefined for any other error. */
export function unwritableCode(error: unknown): string | undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && (code in unwritableCodes || ['EACCES', 'EPERM', 'ENOTDIR'].includes(code))) return code;
  const text = error instanceof Error ? error.message : String(error);
  return Object.entries(unwritableCodes).find(([, pattern]) => pattern.test(text))?.[0];
}

/** The rejected error for a user's path that cannot be written, with the path and the reason. */
export function unwritable(path: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const full = ['ENOSPC', 'EDQUOT'].includes(unwritableCode(error) ?? '');
  return new SluiceError(`${path} cannot be written: ${reasonOf(error)}`, {
    kind: 'rejected',
    hint: full ? 'free disk space there' : 'check the path and its permissions',
    cause: error,
  });
}

/** Turns a full or read-only disk into an error with a hint; returns any other error unchanged. */
export function explainDiskError(error: unknown): unknown {
  const { path, syscall = '', code = '' } = error as NodeJS.ErrnoException;
  const isWrite =
    code in unwritableCodes || (/^(mkdir|rename|unlink|link|symlink|copyfile)/.test(syscall) && unwritableCode(error));
  return path !== undefined && isWrite ? unwritable(path, error) : error;
}

/** A library's message, which may quote a URL: without the credentials and the query. */
export const withoutSecrets = (message: string): string =>
  message
    .slice(0, 4000)
    .replace(/(\w:\/\/)\S*@/g, '$1***@')
    .replace(/\?[^\s?]*=[^\s?]*/g, '?***')
    .slice(0, 300);

/** Why some work throws, undefined when it does not. */
export function refusalOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

/** The first line of any thrown value, for use in a message. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split('\n', 1)[0] ?? text;
}
