import { type ZodType, z } from 'zod';
import type { Project } from '../../../config/project.ts';
import { rejected } from '../../../lib/errors.ts';
import { slug } from '../../../pipeline/schema.ts';

/** A URL of a server: http for one of the company's own network. */
export const url = z
  .string()
  .refine((text) => /^https?:\/\//.test(text) && URL.canParse(text), 'must be a URL such as https://host/path');

/** An address below the URL of a server. */
export const within = (address: string, path: string): string => `${address.replace(/\/+$/, '')}/${path}`;

/** The header `authorization` of a login; undefined without a user. */
export const basic = (user: string | undefined, password = ''): string | undefined =>
  user === undefined ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** The parts of a URL that is a secret by itself, as they are written, and without percent-encoding. */
export function secretsIn(address: string): string[] {
  const { origin, pathname, searchParams } = new URL(address);
  const parts = pathname.split('/').map((each) => {
    try {
      return decodeURIComponent(each);
    } catch {
      return each;
    }
  });
  return [address.slice(origin.length + 1), ...parts, ...searchParams.values()];
}

/** What drivers of channels have in common whose recipients are connections: `ops` under `slack` in conf/. */
export const recipientsIn = (section: string, spec: ZodType) => ({
  kind: section,
  spec: slug.describe(`A name under ${section} in conf/connections.yaml`),
  connection: { section, at: [], spec },
  describe: String,
});

/** The connection of a recipient. Throws a rejected SluiceError when conf/ has lost it. */
export function recipientIn<T extends ZodType>(project: Project, section: string, name: string): z.output<T> {
  const all = (project.connections[section] ?? {}) as Readonly<Record<string, z.output<T>>>;
  if (!Object.hasOwn(all, name)) throw rejected(`there is no ${section}.${name} in conf/connections.yaml`);
  return all[name] as z.output<T>;
}
