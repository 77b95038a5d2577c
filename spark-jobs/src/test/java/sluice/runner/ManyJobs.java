package sluice.runner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Does every job below a folder in one Spark of one process, for the differential test. */
public final class ManyJobs {
  private ManyJobs() {}

  public static void main(String[] args) throws IOException {
    SparkSession.Builder builder =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.ansi.enabled", "true");
    Runner.SETTINGS.forEach(builder::config);
    SparkSession spark = builder.getOrCreate();
    spark.sparkContext().setLogLevel("ERROR");
    try (Stream<Path> found = Files.list(Paths.get(args[0]))) {
      for (Path folder : found.sorted().collect(Collectors.toList())) {
        Runner.run(spark, Job.read(folder.resolve("job.json").toString()));
        spark.catalog().clearCache();
        List<Row> views = spark.sql("SHOW VIEWS").collectAsList();
        for (Row view : views) {
          spark.catalog().dropTempView(view.getString(1));
        }
      }
    }
    spark.stop();
  }
}
