import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generate } from 'selfsigned';

/** Certificates of a private authority, as PEM. */
export interface Certificates {
  /** The file of the authority's certificate, and that of another authority. */
  readonly ca: string;
  readonly otherCa: string;
  readonly server: { readonly cert: string; readonly key: string };
}

const days = (n: number): { notBeforeDate: Date; notAfterDate: Date } => ({
  notBeforeDate: new Date(Date.now() - 86_400_000),
  notAfterDate: new Date(Date.now() + n * 86_400_000),
});

async function authority(name: string): Promise<{ cert: string; key: string }> {
  const extensions = [{ name: 'basicConstraints', cA: true, critical: true }] as const;
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    keySize: 2048,
    algorithm: 'sha256',
    extensions: [...extensions],
    ...days(2),
  });
  return { cert, key };
}

/** Creates, in a folder, an authority and a server certificate for 127.0.0.1 but not for localhost. */
export async function certificates(folder: string): Promise<Certificates> {
  mkdirSync(folder, { recursive: true });
  const [mine, other] = [await authority('Sluice test authority'), await authority('Another authority')];
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'server' }], {
    keySize: 2048,
    algorithm: 'sha256',
    ca: mine,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    ...days(2),
  });
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return { ca: file('ca.pem', mine.cert), otherCa: file('other.pem', other.cert), server: { cert, key } };
}
