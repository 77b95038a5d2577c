package sluice.runner;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Sluice's only Spark job. It reads the pinned inputs, quarantines invalid rows, runs the SQL,
 * writes the requested views to their staging places, and leaves a result file. The controller
 * publishes.
 *
 * <p>Usage: {@code sluice.runner.Runner JOB.json}, or {@code standby:FOLDER} for a driver that
 * waits for its job.
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
  private final Phases phases = new Phases(result.seconds);
  private Secrets secrets = new Secrets();

  private Runner(SparkSession spark, Job job) {
    this.spark = spark;
    this.job = job;
    this.claim = new Claim(job, spark.sparkContext().hadoopConfiguration());
    result.key = job.key;
    result.applicationId = spark.sparkContext().applicationId();
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    if (args.length != 1) {
      throw new IllegalArgumentException("usage: sluice.runner.Runner JOB.json");
    }
    Standby standby = Standby.of(args[0]);
    Job job = null;
    if (standby == null) {
      job = Job.read(args[0]);
      // Before the application exists: an unwanted driver never appears at the cluster.
      new Claim(job, new Configuration()).take();
    }
    // The submission sets the name. It is the key by which the controller finds the application.
    SparkSession.Builder builder = SparkSession.builder();
    SETTINGS.forEach(builder::config);
    SparkSession spark = builder.getOrCreate();
    Result result = null;
    try {
      if (standby != null) {
        job = standby.await(spark);
      }
      if (job != null) {
        result = run(spark, job);
      }
    } finally {
      spark.stop();
      if (standby != null) {
        standby.close();
      }
    }
    if (result != null && result.error != null) {
      throw new IllegalStateException("while " + result.error.phase + ": " + result.error.message);
    }
  }

  /** Executes the job and leaves its result file, also when it fails. */
  static Result run(SparkSession spark, Job job) throws IOException {
    Runner runner = new Runner(spark, job);
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    try {
      runner.execute();
      runner.result.state = "succeeded";
    } catch (Exception | OutOfMemoryError error) {
      runner.result.state = "failed";
      runner.result.error = failure(error);
    }
    runner.result.write(job.result, configuration);
    return runner.result;
  }

  private void execute() throws FailedPhase, InterruptedException {
    phases.run(
        "starting",
        () -> {
          claim.check();
          secrets = Secrets.of(job);
          secrets.apply(spark);
        });
    Tasks tasks = new Tasks(spark, phases);
    try {
      readInputs(tasks);
      phases.run("running the SQL", this::runSql);
      Outputs outputs = new Outputs(spark, job.outputs, claim, tasks);
      phases.run("planning the outputs", outputs::start);
      tasks.finish();
      result.outputs.addAll(outputs.results(job.outputs));
    } finally {
      tasks.close();
    }
  }

  /** Registers the inputs, and starts to write their quarantined rows. */
  private void readInputs(Tasks tasks) throws FailedPhase {
    Inputs inputs = new Inputs(spark, job.partitions, secrets);
    for (Job.Input input : job.inputs) {
      phases.run(
          "reading " + input.name,
          () -> {
            ValidatedInput validated = inputs.read(input);
            Result.Input counts = validated.register(inputs.footers(input));
            result.inputs.add(counts);
            if (counts.quarantined > 0) {
              String place = job.quarantine + "/" + input.name;
              tasks.start(
                  "quarantining rows of " + input.name,
                  () -> {
                    claim.check();
                    validated.writeQuarantined(place, counts);
                  },
                  List.of());
            }
          });
    }
  }

  private void runSql() {
    for (String statement : SqlSplitter.split(job.sql)) {
      spark.sql(statement);
    }
    List<String> views = Arrays.asList(spark.sqlContext().tableNames());
    for (Job.Output output : job.outputs) {
      if (!views.contains(output.view)) {
        throw new JobException(
            "MISSING_VIEW",
            "the SQL creates no view " + output.view + ", which an output asks for");
      }
    }
  }

  /**
   * The innermost cause is the most specific: Spark wraps an error of an executor several times.
   */
  private static Result.Failure failure(Throwable error) {
    Throwable cause = error;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    Result.Failure failure = new Result.Failure();
    failure.type = cause.getClass().getSimpleName();
    failure.message = String.valueOf(cause.getMessage());
    failure.phase = error instanceof FailedPhase ? ((FailedPhase) error).phase : "ending";
    return failure;
  }
}
