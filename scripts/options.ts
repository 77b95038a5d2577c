import { parseArgs } from 'node:util';

/**
 * The integer options of a script, at least 1, with defaults. Prints `help` and exits with 0 for --help, with 2 for
 * anything invalid.
 */
export function numberOptions<Name extends string>(defaults: Record<Name, number>, help: string): Record<Name, number> {
  const names = Object.keys(defaults) as Name[];
  const { values } = parseArgs({
    options: {
      ...Object.fromEntries(names.map((name) => [name, { type: 'string', default: String(defaults[name]) } as const])),
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  const numbers = names.map((name) => [name, Number((values as Record<string, unknown>)[name])] as const);
  if (!numbers.every(([, n]) => Number.isInteger(n) && n > 0)) {
    console.error(`error ${names.map((name) => `--${name}`).join(' and ')} are whole numbers from 1 on`);
    process.exit(2);
  }
  return Object.fromEntries(numbers) as Record<Name, number>;
}
