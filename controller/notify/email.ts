import { createTransport } from 'nodemailer';
import { reasonOf, SluiceError } from '../errors.ts';
import type { Notifier } from './port.ts';

/** Mail by SMTP. `url` is nodemailer's: smtp://user:password@host:port, smtps:// for TLS from the start. */
export function emailNotifier(url: string): Notifier {
  const transport = createTransport(url, {
    connectionTimeout: 5000,
    greetingTimeout: 5000,
    socketTimeout: 20_000,
  } as object);
  const { host } = new URL(url);
  return {
    async send({ id, to, from, subject, text, html }) {
      try {
        await transport.sendMail({ messageId: id, to, from, subject, text, html });
      } catch (error) {
        const { responseCode, code } = error as { responseCode?: number; code?: string };
        // 5xx is for good (RFC 5321, 4.2.1); anything else may pass.
        const kind =
          responseCode !== undefined && responseCode >= 500
            ? 'rejected'
            : code === 'ESOCKET' || code === 'ECONNECTION'
              ? 'unavailable'
              : 'unknown-outcome';
        throw new SluiceError(`mail server ${host}: ${reasonOf(error)}`, { kind, cause: error });
      }
    },
  };
}
