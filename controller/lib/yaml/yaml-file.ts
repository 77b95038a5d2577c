import { readFile, stat } from 'node:fs/promises';
import { type Document, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { variables } from '../env.ts';
import { reasonOf, rejected, SluiceError } from '../errors.ts';
import { didYouMean } from '../suggest.ts';
import { filled } from '../variables.ts';
import { refusedIn } from './limits.ts';
import { type Position, positionOf } from './positions.ts';
import { FileProblems, keyPath, mostProblems, type Problem } from './problem.ts';

/** A YAML file that has passed its schema; `at` returns the position of a key path. */
export interface CheckedFile<T> {
  readonly value: T;
  readonly text: string;
  readonly at: (path: readonly PropertyKey[]) => Position;
}

const largestFile = 1 << 20;

/**
 * Reads a YAML file, fills in `${NAME}` from the environment and checks it against a schema. Where `late` returns true,
 * a variable must be set but stays in the text, to be filled in later. Throws FileProblems with every problem at once,
 * or a rejected SluiceError when the file does not exist.
 */
export async function readYaml<S extends z.ZodType>(
  file: string,
  schema: S,
  late: (path: readonly PropertyKey[]) => boolean = () => false,
): Promise<CheckedFile<z.output<S>>> {
  const text = await readText(file);
  const lines = new LineCounter();
  // Duplicate keys are found below, in less time.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  });
  const fail = (problems: Problem[]): never => {
    throw new FileProblems(file, problems);
  };

  if (document.errors.length > 0) {
    fail(
      document.errors.slice(0, mostProblems).map((error) => {
        const at = lines.linePos(error.pos[0]);
        return { line: at.line, column: at.col, key: '', message: `not valid YAML: ${reasonOf(error)}` };
      }),
    );
  }
  if (document.contents === null) fail([{ line: 1, column: 1, key: '', message: 'the file is empty' }]);
  const refused = refusedIn(document);
  if (refused) {
    const at = lines.linePos(refused.node?.range?.[0] ?? 0);
    fail([{ line: at.line, column: at.col, key: '', message: refused.message }]);
  }

  const missing: Problem[] = [];
  const fromEnvironment = new Set<unknown>();
  const filled = fill(
    toPlain(document, file),
    [],
    (path, name) => {
      missing.push({
        ...positionOf(document, lines, path),
        key: keyPath(path),
        message: `environment variable ${name} is not set; set it, or give a default as \${${name}:-value}`,
      });
    },
    late,
    fromEnvironment,
  );
  if (missing.length > 0) fail(missing);

  const checked = schema.safeParse(filled, { error: explain(fromEnvironment) });
  if (!checked.success)
    fail(checked.error.issues.slice(0, mostProblems).flatMap((issue) => problemsOf(issue, document, lines)));
  return {
    value: checked.data as z.output<S>,
    text,
    at: (path) => positionOf(document, lines, path),
  };
}

async function readText(file: string): Promise<string> {
  try {
    if ((await stat(file)).size > largestFile) throw rejected(`${file} is larger than 1 MiB; that is no pipeline file`);
    const bytes = await readFile(file);
    if (bytes.includes(0)) throw rejected(`${file} is a binary file, not YAML`);
    return bytes.toString('utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') throw rejected(`there is no file ${file}`, 'give the path of a YAML file');
    if (code === 'EISDIR') throw rejected(`${file} is a folder`, 'give the path of a YAML file in it');
    if (code === 'EACCES') throw rejected(`${file} may not be read`, 'check its permissions');
    throw error;
  }
}

function toPlain(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new SluiceError(`${file}:1:1: ${reasonOf(error)}`, { kind: 'rejected', cause: error });
  }
}

type Missing = (path: readonly PropertyKey[], name: string) => void;

/** Fills in every string. Values from the environment are recorded, because they may be secrets. */
function fill(
  value: unknown,
  path: readonly PropertyKey[],
  missing: Missing,
  late: (path: readonly PropertyKey[]) => boolean,
  noted: Set<unknown>,
): unknown {
  if (typeof value === 'string') {
    const text = filled(value, variables, (name) => {
      missing(path, name);
      return '';
    });
    if (late(path)) return value;
    if (text !== value) noted.add(text);
    return text;
  }
  if (Array.isArray(value)) return value.map((item, index) => fill(item, [...path, index], missing, late, noted));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, fill(item, [...path, key], missing, late, noted)]),
    );
  }
  return value;
}

/** Messages with the found and the expected value; zod's own for other issues. */
const explain =
  (fromEnvironment: ReadonlySet<unknown>): z.core.$ZodErrorMap =>
  (issue) => {
    const found = fromEnvironment.has(issue.input) ? 'what the environment gave' : shown(issue.input);
    switch (issue.code) {
      case 'unrecognized_keys': {
        // An object knows its keys; a record knows those of its key's type.
        const { shape, keyType } = (
          issue.inst as unknown as { def: { shape?: object; keyType?: { options?: string[] } } }
        ).def;
        const known = shape ? Object.keys(shape) : (keyType?.options ?? []);
        const key = issue.keys[0] ?? '';
        return `unknown key "${key}"${didYouMean(key, known)} (known here: ${known.join(', ')})`;
      }
      case 'invalid_type':
        return issue.input === undefined
          ? `is missing; expected ${issue.expected}`
          : `found ${found}, expected ${issue.expected}`;
      case 'invalid_value': {
        const options = issue.values.map(String);
        if (issue.input === undefined) return `is missing; expected one of ${options.join(', ')}`;
        return `found ${found}, expected one of ${options.join(', ')}${didYouMean(String(issue.input), options)}`;
      }
      case 'invalid_format':
        return issue.format === 'email' ? `found ${found}, expected a mail address` : undefined;
      default:
        return undefined;
    }
  };

function shown(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  const text = JSON.stringify(value) ?? String(value);
  return `${typeof value} ${text.length > 200 ? `${text.slice(0, 200)}…` : text}`;
}

/** Turns an issue of zod into problems. Of a union, only the nearest option is reported. */
function problemsOf(
  issue: z.core.$ZodIssue,
  document: Document,
  lines: LineCounter,
  parents: readonly PropertyKey[] = [],
): Problem[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const value = document.getIn(path);
    const scalar = value === null || typeof value !== 'object';
    const fits = (option: z.core.$ZodIssue[]): boolean =>
      !option.some((each) => each.path.length === 0 && each.code === (scalar ? 'invalid_type' : 'invalid_value'));
    const weight = (option: z.core.$ZodIssue[]): number =>
      (fits(option) ? 0 : 100) + option.reduce((sum, each) => sum + ('keys' in each ? each.keys.length : 1), 0);
    const nearest = [...issue.errors].sort((a, b) => weight(a) - weight(b))[0] ?? [];
    return nearest.flatMap((each) => problemsOf(each, document, lines, path));
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, 1).map((key) => ({
      ...positionOf(document, lines, path, key),
      key: keyPath([...path, key]),
      message: issue.message,
    }));
  }
  if (issue.code === 'invalid_key') {
    const name = path.at(-1);
    const why = issue.issues[0]?.message ?? 'is not allowed';
    return [
      {
        ...positionOf(document, lines, path.slice(0, -1), String(name)),
        key: keyPath(path),
        message: `the name ${why}`,
      },
    ];
  }
  return [{ ...positionOf(document, lines, path), key: keyPath(path), message: issue.message }];
}
