package sluice.runner;

import java.io.IOException;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.storage.StorageLevel;

/**
 * Sluice's only Spark job. It reads the pinned inputs, quarantines invalid rows, runs the SQL,
 * writes the requested views to their staging places, and leaves a result file. The controller
 * publishes.
 *
 * <p>Usage: {@code sluice.runner.Runner JOB.json}
 */
public final class Runner {
  /** Settings that preserve rows exactly, for every version of Spark. */
  static final Map<String, String> SETTINGS =
      Map.of(
          "spark.sql.csv.parser.columnPruning.enabled", "false",
          "spark.sql.datetime.java8API.enabled", "true",
          // Dates before 1582 and times before 1900 are read and written literally, without errors.
          "spark.sql.parquet.datetimeRebaseModeInRead", "CORRECTED",
          "spark.sql.parquet.datetimeRebaseModeInWrite", "CORRECTED",
          "spark.sql.parquet.int96RebaseModeInWrite", "CORRECTED",
          "spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS");

  private final SparkSession spark;
  private final Job job;
  private final Claim claim;
  private final Result result = new Result();
  private Secrets secrets = new Secrets();
  private String phase = "starting";
  private long phaseStarted = System.nanoTime();

  private Runner(SparkSession spark, Job job) {
    this.spark = spark;
    this.job = job;
    this.claim = new Claim(job, spark.sparkContext().hadoopConfiguration());
    result.key = job.key;
    result.applicationId = spark.sparkContext().applicationId();
  }

  public static void main(String[] args) throws IOException {
    if (args.length != 1) {
      throw new IllegalArgumentException("usage: sluice.runner.Runner JOB.json");
    }
    Job job = Job.read(args[0]);
    // Before the application exists: an unwanted driver never appears at the cluster.
    new Claim(job, new Configuration()).take();
    // The submission sets the name. It is the key by which the controller finds the application.
    SparkSession.Builder builder = SparkSession.builder();
    SETTINGS.forEach(builder::config);
    SparkSession spark = builder.getOrCreate();
    Result result;
    try {
      result = run(spark, job);
    } finally {
      spark.stop();
    }
    if (result.error != null) {
      throw new IllegalStateException("while " + result.error.phase + ": " + result.error.message);
    }
  }

  /** Executes the job and leaves its result file, also when it fails. */
  static Result run(SparkSession spark, Job job) throws IOException {
    Runner runner = new Runner(spark, job);
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    try {
      runner.claim.check();
      runner.secrets = Secrets.of(job);
      runner.secrets.apply(spark);
      runner.readInputs();
      runner.runSql();
      runner.writeOutputs();
      runner.startPhase("done");
      runner.result.state = "succeeded";
    } catch (Exception | OutOfMemoryError error) {
      runner.result.state = "failed";
      runner.result.error = runner.failure(error);
    }
    runner.result.write(job.result, configuration);
    return runner.result;
  }

  private void readInputs() throws IOException {
    Inputs inputs = new Inputs(spark, job.partitions, secrets);
    for (Job.Input input : job.inputs) {
      startPhase("reading " + input.name);
      ValidatedInput validated = inputs.read(input);
      Result.Input counts = validated.register();
      if (counts.quarantined > 0) {
        validated
            .quarantined()
            .coalesce(1)
            .write()
            .mode(SaveMode.Overwrite)
            .json(job.quarantine + "/" + input.name);
      }
      result.inputs.add(counts);
    }
  }

  private void runSql() {
    startPhase("running the SQL");
    for (String statement : SqlSplitter.split(job.sql)) {
      spark.sql(statement);
    }
  }

  private void writeOutputs() throws IOException, SQLException {
    Map<String, Dataset<Row>> views = new LinkedHashMap<>();
    for (Job.Output output : job.outputs) {
      if (!Arrays.asList(spark.sqlContext().tableNames()).contains(output.view)) {
        throw new JobException(
            "MISSING_VIEW",
            "the SQL creates no view " + output.view + ", which an output asks for");
      }
      startPhase("computing " + output.view);
      Dataset<Row> view = views.get(output.view);
      if (view == null) {
        // Cached, because several outputs and later views build on it. Registering it again would
        // drop the cache.
        view = spark.table(output.view).persist(StorageLevel.MEMORY_AND_DISK());
        views.put(output.view, view);
      }
      Result.Output written = new Result.Output();
      written.view = output.view;
      written.kind = output.kind;
      written.place = output.place;
      written.rows = view.count();
      written.joins = FanOutDetector.multiplied(view);
      startPhase("writing " + output.view + " as " + output.kind);
      claim.check();
      write(view, output);
      result.outputs.add(written);
    }
  }

  private static void write(Dataset<Row> view, Job.Output output) throws SQLException {
    switch (output.kind) {
      case "parquet":
        view.write().mode(SaveMode.Overwrite).parquet(output.place);
        return;
      case "csv":
        view.coalesce(1)
            .write()
            .mode(SaveMode.Overwrite)
            .option("header", true)
            .option("escape", "\"")
            .csv(output.place);
        return;
      case "postgres":
        new PostgresCopyWriter(output).write(view);
        return;
      default:
        throw new JobException(
            "UNKNOWN_OUTPUT", output.view + " has an output of unknown kind " + output.kind);
    }
  }

  private void startPhase(String next) {
    long now = System.nanoTime();
    result.seconds.merge(phase, Math.round((now - phaseStarted) / 1e6) / 1e3, Double::sum);
    phase = next;
    phaseStarted = now;
  }

  /**
   * The innermost cause is the most specific: Spark wraps an error of an executor several times.
   */
  private Result.Failure failure(Throwable error) {
    Throwable cause = error;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    Result.Failure failure = new Result.Failure();
    failure.type = cause.getClass().getSimpleName();
    failure.message = String.valueOf(cause.getMessage());
    failure.phase = phase;
    return failure;
  }
}
