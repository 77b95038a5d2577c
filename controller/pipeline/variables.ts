/** `${NAME}` and `${NAME:-default}`, wherever a file may take something from the environment. */
const variable = /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;

/** Replaces every variable of a text; `missing` says what to put in for one that is neither set nor has a default. */
export const filled = (
  text: string,
  variables: Readonly<Record<string, string | undefined>>,
  missing: (name: string) => string,
): string =>
  text.replace(variable, (_whole, name: string, otherwise?: string) =>
    otherwise === undefined ? (variables[name] ?? missing(name)) : variables[name] || otherwise,
  );

/** The names of the variables in a text. */
export const variablesIn = (text: string): string[] => [...text.matchAll(variable)].map((match) => match[1] as string);
