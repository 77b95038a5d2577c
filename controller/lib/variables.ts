/** `${NAME}` and `${NAME:-default}`, wherever a file may take something from the environment. */
const variable = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** A text up to the last place where something in it can end, and the rest: searched for a beginning, that takes long. */
export function upToLast(end: string, text: string): [string, string] {
  const at = text.lastIndexOf(end) + end.length;
  return at < end.length ? ['', text] : [text.slice(0, at), text.slice(at)];
}

/** Replaces every variable of a text; `missing` says what to put in for one that is neither set nor has a default. */
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
