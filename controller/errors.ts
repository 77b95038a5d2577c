/** Whose fault a failed request is: the caller's, nobody's for long, or not known yet. */
export type FaultKind = 'rejected' | 'unavailable' | 'unknown-outcome';

/**
 * An error a person can act on: `message` says what was asked and what was answered, `hint` how to mend it.
 * `rejected` ends a command with exit code 2, `unavailable` and `unknown-outcome` with 3.
 */
export class SluiceError extends Error {
  override readonly name: string = 'SluiceError';
  readonly kind: FaultKind;
  readonly hint: string | undefined;

  constructor(message: string, options: { kind: FaultKind; hint?: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = options.kind;
    this.hint = options.hint;
  }
}

export const rejected = (message: string, hint?: string): SluiceError =>
  new SluiceError(message, hint === undefined ? { kind: 'rejected' } : { kind: 'rejected', hint });

/** A path of the user's that we were to write to, and could not. */
export const unwritable = (path: string, error: unknown): SluiceError =>
  rejected(`${path} cannot be written: ${reasonOf(error)}`, 'check the path and its permissions');

/** A message of a library's, which may quote an address: without the credentials and the query of a URL. */
export const withoutSecrets = (message: string): string =>
  message
    .replace(/(\w:\/\/)\S*@/g, '$1***@')
    .replace(/\?[^\s?]*=[^\s?]*/g, '?***')
    .slice(0, 300);

/** The first line of whatever was thrown, for a sentence of ours. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split('\n', 1)[0] ?? text;
}
