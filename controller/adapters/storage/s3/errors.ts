import { SluiceError, withoutSecrets } from '../../../lib/errors.ts';

interface ServiceError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly Code?: string;
}

/** What to do about the errors that a person can mend. */
const hints: Readonly<Record<string, string>> = {
  NoSuchBucket: 'create the bucket, or correct its name',
  AccessDenied: 'grant the right to the role or user that Sluice runs as',
  InvalidAccessKeyId: 'renew the credentials in the environment',
  SignatureDoesNotMatch: 'renew the credentials in the environment',
  ExpiredToken: 'log in again, or give Sluice a role',
  InvalidToken: 'log in again, or give Sluice a role',
  CredentialsProviderError: 'set AWS_PROFILE or AWS_ACCESS_KEY_ID, or give the machine a role',
  PermanentRedirect: 'set s3.region in conf/connections.yaml to the region of the bucket',
  AuthorizationHeaderMalformed: 'set s3.region in conf/connections.yaml to the region of the bucket',
  EntityTooLarge: 'the storage copies objects of up to 5 GiB',
};

export const statusOf = (error: unknown): number | undefined => (error as ServiceError).$metadata?.httpStatusCode;

/** Errors of a request that passes when it is sent again. */
const passing = new Set(['ConditionalRequestConflict', 'OperationAborted', 'SlowDown', 'RequestTimeout']);

/** Whether an error says that the object is not there. */
export const isMissing = (error: unknown): boolean =>
  ['NotFound', 'NoSuchKey'].includes((error as Error).name) ||
  (statusOf(error) === 404 && (error as Error).name !== 'NoSuchBucket');

/** Whether the condition of a request was not met. */
export const isUnmet = (error: unknown): boolean => statusOf(error) === 412;

/** The error of a call of the storage, with the call and the object: `rejected` when a person has to mend it. */
export function explained(call: string, uri: string, error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  const { name, message } = error as ServiceError;
  const status = statusOf(error);
  const hint = Object.hasOwn(hints, name) ? hints[name] : undefined;
  const isClients = status !== undefined && status >= 400 && status < 500 && status !== 429 && !passing.has(name);
  const kind = hint !== undefined || isClients ? 'rejected' : 'unavailable';
  const said = message && message !== name ? `${name}: ${withoutSecrets(message)}` : name;
  return new SluiceError(`${uri}: ${call} failed (${said})`, {
    kind,
    cause: error,
    ...(hint !== undefined && { hint }),
  });
}
