import { describe, expect, test } from 'vitest';
import { budgetOf, classify } from '../../controller/domain/failure.ts';

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

  test('is described by its exception rather than by the line that announces it', () => {
    const log = [
      'ERROR SparkContext: Error initializing SparkContext.',
      'java.io.FileNotFoundException: File /nowhere does not exist',
      '\tat org.apache.spark.SparkContext.<init>(SparkContext.scala:1)',
    ];
    expect(classify({ log }).message).toBe('java.io.FileNotFoundException: File /nowhere does not exist');
  });

  test('that the runner explained is described in its words, with the phase', () => {
    const failure = classify({ log: ['java.lang.OutOfMemoryError: of an earlier task'], runner: missingColumn });
    expect(failure.kind).toBe('bad-sql');
    expect(failure.message).toContain('while running the SQL: [UNRESOLVED_COLUMN');
    expect(failure.lines[0]).toContain('`nope` cannot be resolved');
  });

  test('of counts that differ is one of the audit, as a second attempt would find the same', () => {
    const message = '[AUDIT] report: 3 rows as parquet, but 2 as postgres';
    const runner = { type: 'JobException', message, phase: 'writing report as postgres' };
    expect(classify({ log: ['ERROR Executor: Lost executor 0'], runner }).kind).toBe('audit');
  });

  test('without any log has the description of the backend', () => {
    expect(classify({ log: [], detail: 'the Spark master says KILLED' })).toMatchObject({
      kind: 'killed',
      message: 'the Spark master says KILLED',
    });
  });

  test.each([
    [['java.lang.OutOfMemoryError: Java heap space'], 'driver'],
    [['WARN TaskSetManager: Lost task 0.0 in stage 1.0: java.lang.OutOfMemoryError: Java heap space'], 'executor'],
    [['ERROR TaskSchedulerImpl: Lost executor 0 on 127.0.0.1: Command exited with code 52'], 'executor'],
  ])('of memory names the process: %s', (log, side) => {
    expect(classify({ log })).toMatchObject({ kind: 'out-of-memory', side });
  });

  test('of a driver whose log ends abruptly is a kill; one that shuts down logs it', () => {
    const log = ['26/01/01 INFO SparkContext: Running Spark version 3.5.7', '26/01/01 INFO DAGScheduler: Job 1'];
    expect(classify({ log, detail: 'Livy says dead' })).toMatchObject({
      kind: 'killed',
      message: 'the driver was killed (its log ends abruptly)',
    });
    expect(classify({ log: [...log, '26/01/01 INFO ShutdownHookManager: Shutdown hook called'] }).kind).toBe('unknown');
  });

  test('that needs a manual fix is not retried, others are up to the limit of the step or of the kind', () => {
    expect(budgetOf('bad-sql', undefined, 5)).toBe(1);
    expect(budgetOf('bad-sql', 2, 5)).toBe(2);
    expect(budgetOf('killed', undefined, 5)).toBe(5);
    expect(budgetOf('timed-out', undefined, 5)).toBe(2);
    // The end of the last attempt cannot be confirmed.
    expect(budgetOf('gateway-unavailable', 5, 5)).toBe(1);
  });
});
