import type { FailureKind } from './failure-kinds.ts';

export interface Failure {
  readonly kind: FailureKind;
  /** One sentence for a person. */
  readonly message: string;
  /** The lines of the driver's log that tell most, at most ten. */
  readonly lines: readonly string[];
  /** Whose memory it was that ran out. */
  readonly side?: 'driver' | 'executor';
  /** A service asked not to be called again before this time. */
  readonly notBefore?: number;
}

/** Everything that is known about how an attempt ended. */
export interface Evidence {
  /** What the backend said, in a few words. */
  readonly detail?: string | undefined;
  /** What the runner wrote into its result file before it gave up. */
  readonly runner?: { readonly type: string; readonly message: string; readonly phase: string } | undefined;
  readonly log: readonly string[];
}

/** Read from top to bottom: the first that matches names the kind. Error classes and texts are Spark 3.5's and 4.x's. */
const table: readonly (readonly [FailureKind, RegExp])[] = [
  [
    'out-of-memory',
    /OutOfMemoryError|Not enough memory to build and broadcast|GC overhead limit|Container killed .* memory|exit(ed)? (with )?code 52|UNABLE_TO_ACQUIRE_MEMORY/i,
  ],
  ['inputs-lost', /invalid snapshot identifier|snapshot "[^"]*" does not exist/i],
  [
    'bad-input',
    /INPUT_CHANGED|INPUT_GONE|OffsetOutOfRange|data loss|MALFORMED_RECORD|CAST_INVALID_INPUT|DIVIDE_BY_ZERO|NUMERIC_VALUE_OUT_OF_RANGE|ARITHMETIC_OVERFLOW/i,
  ],
  [
    'bad-sql',
    /UNRESOLVED_COLUMN|TABLE_OR_VIEW_NOT_FOUND|PARSE_SYNTAX_ERROR|AnalysisException|ParseException|DATATYPE_MISMATCH|UNRESOLVED_ROUTINE|MISSING_VIEW/,
  ],
  [
    'missing-dependency',
    /ClassNotFoundException|NoClassDefFoundError|NoSuchMethodError|Failed to find data source|No suitable driver/,
  ],
  ['killed', /RECEIVED SIGNAL (TERM|INT|HUP)|Application has been killed|removed our application: KILLED|says killed/i],
  [
    'lost-executor',
    /ExecutorLostFailure|Lost executor|worker lost|MetadataFetchFailed|FetchFailedException|Master removed our application/i,
  ],
];

/** Reads the evidence into one kind, `own` being what the backend takes it for. What the runner said weighs more than the log. */
export function classify({ detail, runner, log }: Evidence, own?: FailureKind): Failure {
  const runnerError = runner === undefined ? '' : `${runner.type}: ${runner.message}`;
  const telling = tellingLines(log);
  const known =
    kindOf(runnerError) ?? own ?? kindOf(telling.join('\n')) ?? kindOf(log.join('\n')) ?? kindOf(detail ?? '');
  const silent = known === undefined && runner === undefined && cutShort(log);
  const kind = known ?? (silent ? 'killed' : 'unknown');
  // An exception says more than the line that announces it.
  const loudest = telling.find((line) => /(Exception|Error): \S/.test(line)) ?? telling[0];
  const silence = silent ? 'the driver was killed (its log ends abruptly)' : undefined;
  const first =
    runner?.message.split('\n', 1)[0] ?? loudest ?? silence ?? detail ?? 'the driver ended without an error message';
  const lines =
    runner === undefined
      ? telling
      : runner.message
          .split('\n')
          .filter((line) => line.trim() !== '')
          .slice(0, 10);
  return {
    kind,
    message: runner === undefined ? first : `while ${runner.phase}: ${first}`,
    lines,
    ...(kind === 'out-of-memory'
      ? { side: ofExecutor.test([runnerError, ...log].join('\n')) ? 'executor' : 'driver' }
      : {}),
  };
}

/** Memory that ran out in a task, not in the driver itself. */
const ofExecutor = /Lost task|aborted due to stage failure|ExecutorLostFailure|Container killed|code 52/i;

/** A driver that ends by itself says so, also when it fails. One whose log just stops was killed, or its machine went down. */
const cutShort = (log: readonly string[]): boolean =>
  log.some((line) => / INFO /.test(line)) &&
  !log.some((line) => /Shutdown hook called|Successfully stopped SparkContext/.test(line));

function kindOf(text: string): FailureKind | undefined {
  return table.find(([, pattern]) => pattern.test(text))?.[0];
}

/** Errors and causes rather than stack frames and start-up chatter. */
export function tellingLines(log: readonly string[]): string[] {
  const telling = log.filter(
    (line) => /Exception\b|Error\b|\b(ERROR|Caused by|FATAL|killed|SIGTERM)\b/.test(line) && !/^\s+at /.test(line),
  );
  return [...new Set(telling.map((line) => line.trim()))].slice(0, 10);
}

/** Kinds after which another attempt cannot end better, or must not start: unless the pipeline says so, they are final. */
const final: ReadonlySet<FailureKind> = new Set([
  // Code, data or conf/ must be fixed first.
  'bad-sql',
  'bad-input',
  'missing-dependency',
  'gateway-rejected',
  'not-prepared',
  'audit',
  'service-refused',
  // The last attempt is not confirmed ended, and two must never run at once.
  'gateway-unavailable',
  'cancelled',
]);

/** Kinds that are never retried, whatever a pipeline says. */
const never: ReadonlySet<FailureKind> = new Set(['gateway-unavailable', 'cancelled', 'inputs-lost']);

/**
 * How many attempts of a step may end with this kind; `said` is what the pipeline says of it. A timeout is worth one more
 * try: what was slow once for a reason outside is rarely so twice.
 */
export function budgetOf(kind: FailureKind, own: number | undefined, maximumAttempts: number): number {
  if (never.has(kind)) return 1;
  if (own !== undefined) return own;
  if (final.has(kind)) return 1;
  return kind === 'timed-out' ? Math.min(2, maximumAttempts) : maximumAttempts;
}
