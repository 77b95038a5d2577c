package sluice.runner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.SparkSession;

/** Jobs for tests, and a local Spark that executes them. */
final class Jobs {
  private Jobs() {}

  static SparkSession startSpark() {
    SparkSession.Builder builder =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.ansi.enabled", "true");
    Runner.SETTINGS.forEach(builder::config);
    return builder.getOrCreate();
  }

  /** A job with one CSV input {@code rows}, whose view {@code report} is written as Parquet. */
  static Job job(Path folder, String csv, String sql) throws IOException {
    // A space, as in some users' folders, and the characters of globs.
    Path file = Files.writeString(folder.resolve("some [1]*{a}? rows.csv"), csv);
    Job job = new Job();
    job.key = "test";
    job.result = folder.resolve("result.json").toString();
    job.quarantine = folder.resolve("quarantine").toString();
    job.sql = sql;
    job.partitions = 2;
    Job.Input input = new Job.Input();
    input.name = "rows";
    input.kind = "csv";
    input.columns =
        List.of(column("id", "bigint"), column("at", "timestamp"), column("note", "string"));
    input.reason =
        "CASE WHEN id IS NULL THEN 'id: missing' WHEN at IS NOT NULL AND TRY_CAST(at AS timestamp) IS NULL"
            + " THEN 'at: not a timestamp' END";
    Job.PinnedFile pinned = new Job.PinnedFile();
    pinned.path = file.toString();
    pinned.size = Files.size(file);
    pinned.mtimeMs = Files.getLastModifiedTime(file).toMillis();
    input.files = List.of(pinned);
    job.inputs = List.of(input);
    Job.Output output = new Job.Output();
    output.view = "report";
    output.kind = "parquet";
    output.place = folder.resolve("out").toString();
    job.outputs = new ArrayList<>(List.of(output));
    return job;
  }

  static Job.Column column(String name, String type) {
    Job.Column column = new Job.Column();
    column.name = name;
    column.type = type;
    return column;
  }
}
