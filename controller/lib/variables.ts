/** `${NAME}` and `${NAME:-default}`, where a file may use the environment. */
const variable = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Splits a text after the last `end`. Without this, a regex that only finds beginnings would take quadratic time. */
export function upToLast(end: string, text: string): [string, string] {
  const at = text.lastIndexOf(end) + end.length;
  return at < end.length ? ['', text] : [text.slice(0, at), text.slice(at)];
}

/** Replaces every variable of a text; `missing` returns the text for one without a value and a default. */
export const filled = (
  text: string,
  variables: Readonly<Record<string, string | undefined>>,
  missing: (name: string) => string,
): string => {
  const [some, rest] = upToLast('}', text);
  const done = some.replace(variable, (_whole, name: string, otherwise?: string) =>
    otherwise === undefined ? (variables[name] ?? missing(name)) : variables[name] || otherwise,
  );
  return done + rest;
};

/** The names of the variables in a text. */
export const variablesIn = (text: string): string[] =>
  [...upToLast('}', text)[0].matchAll(variable)].map((match) => match[1] as string);
