import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { type AnyRoute, route } from '../../http/route.ts';

/** The style and the module of all pages; the build puts them beside its programs. */
const folder = join(import.meta.dirname, 'assets');

/** Files as one, with a name that changes with their content, so that browsers keep it. */
function asset(extension: 'css' | 'js', type: string, files: readonly string[]) {
  const content = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('');
  const name = `page-${createHash('sha256').update(content).digest('hex').slice(0, 12)}.${extension}`;
  return { extension, type, content, name };
}

const style = asset('css', 'text/css; charset=utf-8', ['base.css', 'tables.css', 'parts.css']);
const script = asset('js', 'text/javascript; charset=utf-8', ['page.js']);

/** The addresses that pages name. */
export const assets = { style: `/assets/${style.name}`, script: `/assets/${script.name}` };

const getAsset = route({
  name: 'asset',
  method: 'GET',
  path: '/assets/{name}',
  isRoot: true,
  scope: 'none',
  summary: 'The style, or the module, of the pages',
  params: z.strictObject({ name: z.string().regex(/^page-[0-9a-f]{12}\.(css|js)$/) }),
  also: { 'text/css': 'The style', 'text/javascript': 'The module' },
  example: { params: { name: style.name } },
  async handler({ params }) {
    const found = params.name.endsWith('.css') ? style : script;
    // Another version of this server may have named it: then its page gets what there is, and does not keep it.
    const isOwn = found.name === params.name;
    return new Response(found.content, {
      headers: {
        'content-type': found.type,
        'cache-control': isOwn ? 'public, max-age=31536000, immutable' : 'no-store',
      },
    });
  },
});

/** What pages load. */
export const assetRoutes: readonly AnyRoute[] = [getAsset];
