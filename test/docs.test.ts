import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
/** Generated pages: docs/states.md, docs/benchmarks.md. Their texts are checked at their sources. */
const generated = ['docs/states.md', 'docs/benchmarks.md'];
const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((file) => join('docs', file));
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...inDocs.filter((file) => file.endsWith('.md'))];
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const written = documents.filter((file) => !generated.includes(file));

/** The problems in each document, with file and line. */
function problems(files: readonly string[], find: (line: string, file: string) => readonly string[]): string[] {
  return files.flatMap((file) =>
    textOf(file)
      .split('\n')
      .flatMap((line, i) => find(line, file).map((found) => `${file}:${i + 1}: ${found}`)),
  );
}
const all = (line: string, pattern: RegExp): string[] => [...line.matchAll(pattern)].map((found) => found[1] ?? '');

/** The anchors that GitHub makes of headings. */
const anchorsOf = (file: string): string[] =>
  all(textOf(file), /^#+ (.*)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** The declarations of all commands and of the options that they share. */
const declared = (): string =>
  ['options', 'main', 'stack-commands', 'telemetry-commands', 'trigger-commands', 'watch-commands']
    .map((name) => textOf(`controller/cli/${name}.ts`).replace(/^export /gm, ''))
    .join('\n');

/** Options by command, as they are declared; every command has `--json` and `--help`. */
function commandsOf(main: string): Map<string, string[]> {
  const groups = new Map(
    [...main.matchAll(/^const (\w+) = \(\): Option(?:\[\])? =>([\s\S]*?);$/gm)].map(([, name = '', body = '']) => [
      name,
      all(body, /new Option\('[^']*?(--[\w-]+)/g),
    ]),
  );
  const calls = [...main.matchAll(/^ *add\(\s*'([\w-]+)([\s\S]*?)\);$/gm)];
  return new Map(
    calls.map(([, name = '', body = '']) => {
      const own = all(body, /new Option\(\s*'[^']*?(--[\w-]+)/g);
      const shared = [...groups].flatMap(([group, options]) => (body.includes(`${group}()`) ? options : []));
      return [name, ['--json', '--help', ...own, ...shared]];
    }),
  );
}

test('every relative link leads to an existing file and heading', () => {
  const links = (line: string, file: string): string[] =>
    all(line, /\]\(([^)\s]+)\)/g).filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).includes(anchor);
    });
  expect(documents.length).toBeGreaterThan(30);
  expect(problems(documents, links)).toEqual([]);
});

test('every named path exists', () => {
  const paths = (line: string): string[] => [
    ...all(line, /(?<![\w/.-])((?:controller|test|docs|scripts|spark-jobs|conf)\/[\w./-]*\w)/g),
    ...all(line, /`([\w.-]+(?:\/[\w.-]+)+\.(?:ts|mjs|java))/g),
  ];
  expect(written.flatMap((file) => paths(textOf(file))).length).toBeGreaterThan(50);
  // Capitals are placeholders for a set of jars.
  const isMissing = (path: string): boolean => !/\b[A-Z]+\//.test(path) && !existsSync(join(root, path));
  expect(problems(written, (line) => paths(line).filter(isMissing))).toEqual([]);
});

test('the diagram of the floors matches the code', () => {
  const [, list = ''] = /const floors = \[(.*?)\]/s.exec(textOf('test/house.test.ts')) ?? [];
  const drawn = all(textOf('docs/architecture.md'), /^ {2}(\w+)\["\1 —/gm);
  expect(drawn.toReversed()).toEqual(all(list, /'(\w+)'/g));
});

test('every command in the documents exists, with its options', () => {
  const commands = commandsOf(declared());
  expect(commands.size).toBeGreaterThan(15);
  expect(commands.get('demo')).toContain('--rows');
  const wrong = (line: string): string[] =>
    [...line.matchAll(/(?:`|^ *(?:\$ )?)(?:npx )?sluice ([a-z][\w-]*)([^`\n]*)/g)].flatMap(
      ([, name = '', rest = '']) => {
        const known = commands.get(name);
        if (!known) return [`sluice ${name} is no command`];
        return all(rest, /(--[\w-]+)/g)
          .filter((option) => !known.includes(option))
          .map((option) => `sluice ${name} has no ${option}`);
      },
    );
  expect(problems(written, wrong)).toEqual([]);
});

test('the table of commands in the README is complete, and its options exist', () => {
  const commands = commandsOf(declared());
  const rows = textOf('README.md')
    .split('\n')
    .flatMap((line) => {
      const [, names = '', text = ''] = /^\| (`[a-z].*?`) \| (.*) \|$/.exec(line) ?? [];
      return names === '' ? [] : [{ names: all(names, /`([a-z-]+)/g), options: all(text, /`(--[\w-]+)/g) }];
    });
  expect(rows.flatMap(({ names }) => names).toSorted()).toEqual([...commands.keys()].toSorted());
  const known = (names: readonly string[]): string[] => names.flatMap((name) => commands.get(name) ?? []);
  expect(rows.flatMap(({ names, options }) => options.filter((option) => !known(names).includes(option)))).toEqual([]);
});

test('retired words stay out of the documents', () => {
  const retired = [
    'put aside',
    'puts aside',
    'set aside',
    'told of',
    'told by',
    'anew',
    'whoever',
    'whatever run',
    'nobody',
    'somebody',
    'everybody',
    'once more',
    'goes on with',
    'go on with',
    'gone on with',
    'gave way',
    'gives way',
    'stand-in',
    'stands in for',
    'struck off',
    'postman',
    'made-up',
    'a person mends',
  ];
  const pattern = new RegExp(`\\b(${retired.join('|')})\\b`, 'gi');
  // The user name `nobody` is allowed.
  expect(problems(written, (line) => all(line.replaceAll('`nobody`', ''), pattern))).toEqual([]);
});
