import { readFileSync } from 'node:fs';
import { createTransport } from 'nodemailer';
import type { MailServer } from '../../../config/addresses.ts';
import { MessageDeferredError, type Notifier } from '../../../domain/ports/notifier.ts';
import { reasonOf, SluiceError } from '../../../lib/errors.ts';
import { redactor } from '../../../lib/redact.ts';
import type { Mail } from '../../../messages/mail.ts';

/** Sends email by SMTP. */
export function emailNotifier({ host, port, tls, ca, login }: MailServer): Notifier {
  const transport = createTransport({
    host,
    ...(port === undefined ? {} : { port }),
    secure: tls === 'start',
    requireTLS: tls === 'required',
    ...(ca === undefined ? {} : { tls: { ca: readFileSync(ca) } }),
    ...(login ? { auth: { user: login.user, pass: login.password } } : {}),
    connectionTimeout: 5000,
    greetingTimeout: 5000,
    socketTimeout: 20_000,
  });
  const redact = redactor(login ? [login.password] : []);
  return {
    async send({ id, to, from, subject, text, html }: Mail) {
      try {
        await transport.sendMail({ messageId: id, to, from, subject, text, html });
      } catch (error) {
        throw faultOf(error, `mail server ${host}: ${redact(reasonOf(error))}`);
      }
    },
  };
}

/**
 * Maps an SMTP error: 5xx for this message is `rejected`, 4xx defers it (RFC 5321, 4.2.1). Without a response the
 * outcome may be unknown.
 */
function faultOf(error: unknown, message: string): SluiceError {
  const { responseCode = 0, code = '' } = error as { responseCode?: number; code?: string };
  if (code === 'EENVELOPE' || code === 'EMESSAGE') {
    if (responseCode >= 500) return new SluiceError(message, { kind: 'rejected', cause: error });
    if (responseCode >= 400) return new MessageDeferredError(message, { cause: error });
  }
  if (code === 'EAUTH') {
    const hint = 'check mail.user and mail.password in conf/connections.yaml; the mails wait';
    return new SluiceError(message, { kind: 'unavailable', hint, cause: error });
  }
  const never = code === 'ESOCKET' || code === 'ECONNECTION' || code === 'EDNS';
  return new SluiceError(message, { kind: never ? 'unavailable' : 'unknown-outcome', cause: error });
}
