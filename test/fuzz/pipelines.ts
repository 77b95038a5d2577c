import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { builtIn } from '../../controller/app/registry.ts';
import { loadPipeline } from '../../controller/pipeline/loader.ts';
import { refusedOr, type Subject } from './subject.ts';

const root = resolve(import.meta.dirname, '../..');

/** Typos and attacks for a pipeline file. */
const tokens = [
  ...[
    ':',
    '-',
    '  ',
    '\t',
    '\n',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    '|',
    '>',
    '&a',
    '*a',
    '<<: *a',
    '!!js/function',
    '#',
    '---',
    '%YAML 2',
  ],
  ...['{{', '}}', '{{ x', '${', '${HOME}', '${A:-', '}', 'null', '~', 'true', '0x1f', '1e400', '.inf', '2024-01-01'],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'total',
    'branch',
    'steps',
    'needs',
    'if',
    'spark',
    'retry',
    'on',
    'lost-exekutor',
  ],
  ...[
    '\u0000',
    '\u001b[31m',
    '\u202e',
    '\ufeff',
    'Größe',
    '😀',
    '\ud800',
    'x'.repeat(5000),
    '- a\n'.repeat(300),
    '['.repeat(2000),
    '('.repeat(500),
  ],
  ...[
    'orders.rows > ',
    '"a".matches("(a+)+$")',
    'size([1,2])',
    ' && ',
    '!'.repeat(300),
    '../../../etc/passwd',
    '/dev/zero',
    '%00',
  ],
];

/** Pipeline files with a few random edits. */
export function pipelineFiles(): Subject {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-fuzz-'));
  const good = readFileSync(join(root, 'conf/pipelines/customer-report.yaml'), 'utf8');
  const known = { kinds: builtIn, connections: { postgres: ['shop'], kafka: ['shop'] } };
  return {
    name: 'pipeline files',
    share: 1,
    async play(random) {
      let text = good;
      for (let strokes = random(fc.integer, { min: 1, max: 6 }); strokes > 0; strokes--) {
        const at = random(fc.integer, { min: 0, max: text.length });
        const length = random(fc.integer, { min: 0, max: 40 });
        const inserted = random(fc.boolean)
          ? random(fc.constantFrom, ...tokens)
          : random(fc.boolean)
            ? random(fc.string, { unit: 'binary', maxLength: 8 })
            : text.slice(length * 7, length * 7 + 60);
        text = text.slice(0, at) + inserted + text.slice(at + (random(fc.boolean) ? length : 0));
      }
      const file = join(folder, 'pipeline.yaml');
      writeFileSync(file, text);
      return (await refusedOr(loadPipeline(file, known, root))) ? 'accepted' : 'refused';
    },
    close: async () => rmSync(folder, { recursive: true }),
  };
}
