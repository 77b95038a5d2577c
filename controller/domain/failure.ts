import type { FailureKind } from './failure-kinds.ts';

export interface Failure {
  readonly kind: FailureKind;
  /** One sentence for a person. */
  readonly message: string;
  /** The most relevant lines of the driver's log, at most ten. */
  readonly lines: readonly string[];
  /** The process whose memory ran out. */
  readonly side?: 'driver' | 'executor';
  /** The time before which a service asked not to be called again. Milliseconds since 1970. */
  readonly notBefore?: number;
}

/** All evidence of how an attempt ended. */
export interface Evidence {
  /** The backend's description, a few words. */
  readonly detail?: string | undefined;
  /** The error in the runner's result file. */
  readonly runner?: { readonly type: string; readonly message: string; readonly phase: string } | undefined;
  readonly log: readonly string[];
}

/** The first matching row names the kind. Error classes and texts are those of Spark 3.5 and 4.x. */
const table: readonly (readonly [FailureKind, RegExp])[] = [
  // The runner's own: two counts of the same rows differ.
  ['audit', /\bJobException: \[AUDIT\]/],
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

/**
 * Classifies the evidence; `own` is the backend's classification. The runner's error has precedence over it, and it
 * over the log.
 */
export function classify({ detail, runner, log }: Evidence, own?: FailureKind): Failure {
  const runnerError = runner === undefined ? '' : `${runner.type}: ${runner.message}`;
  const telling = tellingLines(log);
  const known =
    kindOf(runnerError) ?? own ?? kindOf(telling.join('\n')) ?? kindOf(log.join('\n')) ?? kindOf(detail ?? '');
  const silent = known === undefined && runner === undefined && cutShort(log);
  const kind = known ?? (silent ? 'killed' : 'unknown');
  // An exception is more specific than the line that announces it.
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

/** Signs that memory ran out in a task, not in the driver itself. */
const ofExecutor = /Lost task|aborted due to stage failure|ExecutorLostFailure|Container killed|code 52/i;

/**
 * Whether a log ends abruptly. A driver that ends by itself logs that, also when it fails; without such a line it was
 * killed, or its machine failed.
 */
const cutShort = (log: readonly string[]): boolean =>
  log.some((line) => / INFO /.test(line)) &&
  !log.some((line) => /Shutdown hook called|Successfully stopped SparkContext/.test(line));

function kindOf(text: string): FailureKind | undefined {
  return table.find(([, pattern]) => pattern.test(text))?.[0];
}

/** The lines with errors and causes, without stack frames and start-up messages. */
export function tellingLines(log: readonly string[]): string[] {
  const telling = log.filter(
    (line) => /Exception\b|Error\b|\b(ERROR|Caused by|FATAL|killed|SIGTERM)\b/.test(line) && !/^\s+at /.test(line),
  );
  return [...new Set(telling.map((line) => line.trim()))].slice(0, 10);
}

/** Kinds that are final unless the pipeline overrides them: another attempt cannot succeed, or must not start. */
const final: ReadonlySet<FailureKind> = new Set([
  // Code, data or conf/ must be fixed first.
  'bad-sql',
  'bad-input',
  'missing-dependency',
  'gateway-rejected',
  'not-prepared',
  'audit',
  'service-refused',
  // The end of the last attempt is not confirmed, and two must never run at once.
  'gateway-unavailable',
  'cancelled',
]);

/** Kinds that are never retried, whatever the pipeline sets. */
const never: ReadonlySet<FailureKind> = new Set(['gateway-unavailable', 'cancelled', 'inputs-lost']);

/**
 * The number of attempts of a step that may end with this kind; `own` is the pipeline's override. A timeout is retried
 * once: a cause outside the job rarely repeats.
 */
export function budgetOf(kind: FailureKind, own: number | undefined, maximumAttempts: number): number {
  if (never.has(kind)) return 1;
  if (own !== undefined) return own;
  if (final.has(kind)) return 1;
  return kind === 'timed-out' ? Math.min(2, maximumAttempts) : maximumAttempts;
}
