/** Traces in the JSON form of OTLP, as a collector takes them at /v1/traces. */

type AttributeValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number };
export interface Attribute {
  readonly key: string;
  readonly value: AttributeValue;
}

export interface OtlpSpan {
  /** In hexadecimal: 16 bytes, 8 bytes. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** 1: internal. */
  readonly kind: number;
  /** Nanoseconds since 1970, too many for a number. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly events: readonly {
    readonly timeUnixNano: string;
    readonly name: string;
    readonly attributes: Attribute[];
  }[];
  /** 0: unset, 2: error. */
  readonly status: { readonly code: number; readonly message?: string };
}

export interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

/** Values of attributes; those that are undefined are left out. */
export type Values = Readonly<Record<string, string | number | boolean | undefined>>;

/** Longer texts are cut. Characters. */
const longest = 1000;
const internal = 1;
export const failed = 2;

export const attributesOf = (values: Values): Attribute[] =>
  Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: encoded(value) }]));

function encoded(value: string | number | boolean): AttributeValue {
  if (typeof value === 'string') return { stringValue: value.slice(0, longest) };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

const nanoseconds = (ms: number): string => `${BigInt(Math.round(ms)) * 1_000_000n}`;

/** A stretch of a run. Milliseconds since 1970. */
export interface Span {
  readonly id: string;
  readonly parent: string | undefined;
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly values: Values;
  readonly moments: readonly { readonly at: number; readonly name: string; readonly values: Values }[];
  /** Why it failed. */
  readonly problem: string | undefined;
}

export const spanOf = (traceId: string, { id, parent, name, from, to, values, moments, problem }: Span): OtlpSpan => ({
  ...{ traceId, spanId: id, ...(parent !== undefined && { parentSpanId: parent }), name, kind: internal },
  startTimeUnixNano: nanoseconds(from),
  endTimeUnixNano: nanoseconds(to),
  attributes: attributesOf(values),
  events: moments.map((each) => ({
    ...{ timeUnixNano: nanoseconds(each.at), name: each.name, attributes: attributesOf(each.values) },
  })),
  status: problem === undefined ? { code: 0 } : { code: failed, message: problem.slice(0, longest) },
});
