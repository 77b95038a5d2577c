/** Whether an error says that TLS is missing or not trusted. Waiting does not fix that. */
export function isTlsTrouble(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: unknown; message?: unknown };
  return (
    /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(String(code)) ||
    /does not support SSL|self[- ]signed certificate|unable to (verify|get)[^.]* certificate|altnames/i.test(
      String(message),
    )
  );
}
