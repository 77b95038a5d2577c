import { z } from 'zod';
import type { Kind, Kinds } from '../../controller/domain/pipeline.ts';

/** The page of all kinds in a pipeline file, with their keys; generated from the registry. */
export function kindsPage({ sources, sinks, tasks, triggers, notifiers, storages }: Kinds): string {
  const sections: readonly (readonly [title: string, kinds: readonly Kind[], where: string])[] = [
    ['Sources', sources, 'An entry of `sources` has the keys of one kind.'],
    ['Outputs', sinks, 'An entry of a step’s `outputs` has the keys of one kind.'],
    ['Tasks', tasks, 'A step has one of these keys, or `spark`.'],
    ['Triggers', triggers, 'An entry of `triggers` has the keys of one kind.'],
    ['Notifications', notifiers, 'An entry of `notify` has one of these keys, and `on`.'],
  ];
  const schemes = storages.map(({ kind }) => `\`${kind}\``).join(', ');
  return `# Kinds

Made from \`controller/app/registry.ts\` by \`npm run schema\`. [The pipeline file](pipeline-file.md) explains how they work together.

${sections.map(([title, kinds, where]) => `## ${title}\n\n${where}\n\n${kinds.map(tableOf).join('\n\n')}`).join('\n\n')}

## Storages

A location is a path, or a URI of one of these schemes: ${schemes}.
`;
}

interface Field {
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly type?: string;
}

function tableOf({ kind, spec }: Kind): string {
  const schema = z.toJSONSchema(spec, { io: 'input' }) as Field & {
    readonly properties?: Readonly<Record<string, Field>>;
    readonly required?: readonly string[];
  };
  const { properties, required = [], description = '' } = schema;
  const head = `### \`${kind}\`${description === '' ? '' : `\n\n${description}.`}`;
  if (!properties) return `${head}\n\nA text.`;
  const rows = Object.entries(properties).map(
    ([key, field]) => `| \`${key}\` | ${required.includes(key) ? 'yes' : ''} | ${cell(meaning(field))} |`,
  );
  return `${head}\n\n| key | required | meaning |\n| --- | --- | --- |\n${rows.join('\n')}`;
}

function meaning({ description, default: standard, enum: values }: Field): string {
  const parts = [
    description,
    values && `one of ${values.map((value) => `\`${value}\``).join(', ')}`,
    standard === undefined ? undefined : `default \`${JSON.stringify(standard)}\``,
  ];
  return parts.filter((part) => part !== undefined).join('; ');
}

const cell = (text: string): string => text.replace(/[|\n]/g, ' ');
