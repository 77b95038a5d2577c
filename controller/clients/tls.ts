/** Whether a client or server said that there is no TLS, or none that can be trusted: waiting does not change that. */
export function isTlsTrouble(error: unknown): boolean {
  const { code = '', message = '' } = error as { code?: unknown; message?: unknown };
  return (
    /^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO)/.test(String(code)) ||
    /does not support SSL|self[- ]signed certificate|unable to (verify|get)[^.]* certificate|altnames/i.test(
      String(message),
    )
  );
}
