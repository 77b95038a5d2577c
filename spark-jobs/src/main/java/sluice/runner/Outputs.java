package sluice.runner;

import static org.apache.spark.sql.functions.lit;

import java.io.IOException;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Observation;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.storage.StorageLevel;

/**
 * Writes views to their staging places. A view is computed once, by the write to its first sink,
 * and cached for its other sinks and for the views that read it. What does not wait for each other
 * is done at the same time.
 */
final class Outputs {
  private final SparkSession spark;
  private final Claim claim;
  private final Tasks tasks;
  private final Map<String, View> views = new LinkedHashMap<>();

  private static final class View {
    final String name;
    final Staged staged;
    final List<Job.Output> sinks = new ArrayList<>();
    Dataset<Row> rows;
    List<Result.Join> joins = List.of();

    /** Done when the view is computed. */
    CompletableFuture<Void> computed;

    View(String name) {
      this.name = name;
      this.staged = new Staged(name);
    }
  }

  Outputs(SparkSession spark, List<Job.Output> outputs, Claim claim, Tasks tasks) {
    this.spark = spark;
    this.claim = claim;
    this.tasks = tasks;
    for (Job.Output output : outputs) {
      views.computeIfAbsent(output.view, View::new).sinks.add(output);
    }
  }

  /** Starts all writes in the order in which the views need each other. */
  void start() {
    Map<String, String> plans = new LinkedHashMap<>();
    for (String view : views.keySet()) {
      plans.put(view, spark.table(view).queryExecution().analyzed().toString());
    }
    views.values().forEach(view -> start(view, plans));
  }

  private void start(View view, Map<String, String> plans) {
    if (view.computed != null) {
      return;
    }
    List<CompletableFuture<Void>> needed = new ArrayList<>();
    for (View other : views.values()) {
      if (other != view && reads(plans.get(view.name), other.name)) {
        start(other, plans);
        needed.add(other.computed);
      }
    }
    // Parquet first: a database limits the number of tasks that compute, and CSV is one task.
    List<Job.Output> sinks = new ArrayList<>(view.sinks);
    sinks.sort(Comparator.comparing(sink -> !sink.kind.equals("parquet")));
    Job.Output first = sinks.remove(0);
    view.computed =
        tasks.start(
            "computing " + view.name + " and writing it as " + first.kind,
            () -> compute(view, first),
            needed);
    for (Job.Output sink : sinks) {
      tasks.start(
          "writing " + view.name + " as " + sink.kind,
          () -> write(view, sink),
          List.of(view.computed));
    }
  }

  /** Whether a plan reads a view, by the plan's text. */
  static boolean reads(String plan, String view) {
    return plan.contains("View (" + Names.quoted(view) + ",");
  }

  /** The results in the order of the job, once all is written. */
  List<Result.Output> results(List<Job.Output> outputs) {
    return outputs.stream().map(this::result).collect(Collectors.toList());
  }

  private Result.Output result(Job.Output output) {
    View view = views.get(output.view);
    Result.Output result = new Result.Output();
    result.view = output.view;
    result.kind = output.kind;
    result.place = output.place;
    result.rows = view.staged.rows();
    result.joins = view.joins;
    return result;
  }

  private void compute(View view, Job.Output first) throws Exception {
    // Planned now: Spark knows the sizes of the views that this one reads.
    view.rows = spark.table(view.name).persist(StorageLevel.MEMORY_AND_DISK());
    write(view, first);
    view.joins = FanOutDetector.multiplied(view.rows);
  }

  private void write(View view, Job.Output output)
      throws IOException, SQLException, InterruptedException {
    claim.check();
    switch (output.kind) {
      case "parquet":
        view.staged.add(output.kind, parquet(view.rows, output));
        return;
      case "csv":
        view.staged.add(output.kind, csv(view, output));
        return;
      case "postgres":
        view.staged.add(output.kind, postgres(view, output));
        return;
      default:
        throw new JobException(
            "UNKNOWN_OUTPUT", output.view + " has an output of unknown kind " + output.kind);
    }
  }

  /** The number of rows in the files, which must be as many as Spark wrote. */
  private long parquet(Dataset<Row> rows, Job.Output output)
      throws IOException, InterruptedException {
    Observation observation = new Observation();
    counted(rows, observation).write().mode(SaveMode.Overwrite).parquet(output.place);
    long expected = rowsOf(observation);
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    long staged = Footers.of(List.of(output.place), "", configuration).rows();
    if (staged != expected) {
      throw Staged.differs(output.view, expected, "computed", staged, "staged as parquet");
    }
    return staged;
  }

  private static long csv(View view, Job.Output output) throws InterruptedException {
    // One file is written by one task, which would compute the view alone.
    count(view);
    Observation observation = new Observation();
    counted(view.rows, observation)
        .coalesce(1)
        .write()
        .mode(SaveMode.Overwrite)
        .option("header", true)
        .option("escape", "\"")
        // Without these, Spark would cut spaces off the texts.
        .option("ignoreLeadingWhiteSpace", false)
        .option("ignoreTrailingWhiteSpace", false)
        .csv(output.place);
    return rowsOf(observation);
  }

  private static long postgres(View view, Job.Output output) throws SQLException {
    if (PostgresCopyWriter.needsComputed(view.rows)) {
      count(view);
    }
    return new PostgresCopyWriter(output).write(view.rows, view.staged.rows());
  }

  /** Computes and counts a view, unless an earlier write did. */
  private static void count(View view) {
    if (view.staged.rows() < 0) {
      view.staged.add("computed", view.rows.count());
    }
  }

  private static Dataset<Row> counted(Dataset<Row> rows, Observation observation) {
    return rows.observe(observation, functions.count(lit(1)).as("rows"));
  }

  private static long rowsOf(Observation observation) throws InterruptedException {
    return (Long) observation.getAsJava().get("rows");
  }
}
