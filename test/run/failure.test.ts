import { describe, expect, test } from 'vitest';
import { classify, worthRetrying } from '../../controller/run/failure.ts';

const missingColumn = {
  type: 'ExtendedAnalysisException',
  message:
    "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column or function parameter with name `nope` cannot be resolved. Did you mean one of the following? [`id`].; line 1 pos 7;\n'Project ['nope]\n+- SubqueryAlias rows",
  phase: 'running the SQL',
};

describe('a failure', () => {
  test.each([
    [
      'out-of-memory',
      ['26/01/01 ERROR Executor: Exception in task 0.0', 'java.lang.OutOfMemoryError: Java heap space'],
    ],
    [
      'lost-executor',
      ['WARN TaskSetManager: Lost task 1.0', 'ERROR TaskSchedulerImpl: Lost executor 0 on 127.0.0.1: worker lost'],
    ],
    ['missing-dependency', ['Exception in thread "main" java.lang.ClassNotFoundException: sluice.runner.Runner']],
    [
      'bad-sql',
      ['Exception in thread "main" org.apache.spark.sql.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] The table `x`'],
    ],
    ['bad-input', ["Caused by: org.apache.spark.SparkDateTimeException: [CAST_INVALID_INPUT] The value 'x'"]],
    ['killed', ['ERROR CoarseGrainedExecutorBackend: RECEIVED SIGNAL TERM']],
    [
      'killed',
      ['ERROR StandaloneSchedulerBackend: Application has been killed. Reason: Master removed our application: KILLED'],
    ],
    [
      'unknown',
      ['INFO ShutdownHookManager: Shutdown hook called', 'INFO SparkContext: Successfully stopped SparkContext'],
    ],
    ['unknown', ['nothing of use']],
  ])('is read from the log as %s', (kind, log) => {
    expect(classify({ log }).kind).toBe(kind);
  });

  test('is told by its exception rather than by the line that announces it', () => {
    const log = [
      'ERROR SparkContext: Error initializing SparkContext.',
      'java.io.FileNotFoundException: File /nowhere does not exist',
      '\tat org.apache.spark.SparkContext.<init>(SparkContext.scala:1)',
    ];
    expect(classify({ log }).message).toBe('java.io.FileNotFoundException: File /nowhere does not exist');
  });

  test('that the runner explained itself is told in its words, with the phase', () => {
    const failure = classify({ log: ['java.lang.OutOfMemoryError: of an earlier task'], runner: missingColumn });
    expect(failure.kind).toBe('bad-sql');
    expect(failure.message).toContain('while running the SQL: [UNRESOLVED_COLUMN');
    expect(failure.lines[0]).toContain('`nope` cannot be resolved');
  });

  test('without any log has what the backend said', () => {
    expect(classify({ log: [], detail: 'the Spark master says KILLED' })).toMatchObject({
      kind: 'killed',
      message: 'the Spark master says KILLED',
    });
  });

  test('that only a person can mend is not tried again', () => {
    expect(
      ['bad-sql', 'bad-input', 'missing-dependency', 'cancelled'].filter((kind) => worthRetrying(kind as never)),
    ).toEqual([]);
    expect(
      ['out-of-memory', 'lost-executor', 'killed', 'timed-out', 'unknown'].every((kind) =>
        worthRetrying(kind as never),
      ),
    ).toBe(true);
  });
});
