/** The shape of a table of texts, with any texts: each language has the same keys. */
export type Texts<T> = T extends string
  ? string
  : T extends (...given: infer A) => string
    ? (...given: A) => string
    : { readonly [K in keyof T]: Texts<T[K]> };
