package sluice.runner;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.RawLocalFileSystem;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Executes every job below a folder in one local Spark, for the differential test. Jobs are small
 * and wait often, so some run concurrently, each in its own session.
 */
public final class ManyJobs {
  private static final int SIDE_BY_SIDE = 3;

  private ManyJobs() {}

  public static void main(String[] args) throws Exception {
    SparkSession.Builder builder =
        SparkSession.builder()
            .master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "2")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.hadoop.fs.file.impl", QuickFiles.class.getName())
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.ansi.enabled", "true");
    Runner.SETTINGS.forEach(builder::config);
    SparkSession spark = builder.getOrCreate();
    spark.sparkContext().setLogLevel("ERROR");
    ExecutorService threads = Executors.newFixedThreadPool(SIDE_BY_SIDE);
    List<Future<?>> jobs = new ArrayList<>();
    try (Stream<Path> found = Files.list(Paths.get(args[0]))) {
      for (Path folder : found.sorted().collect(Collectors.toList())) {
        Job job = Job.read(folder.resolve("job.json").toString());
        jobs.add(threads.submit(() -> run(spark.newSession(), job)));
      }
    }
    threads.shutdown();
    for (Future<?> job : jobs) {
      job.get();
    }
    spark.stop();
  }

  /** Without its native library, Hadoop starts a process for each new file, to set its mode. */
  public static final class QuickFiles extends LocalFileSystem {
    public QuickFiles() {
      super(
          new RawLocalFileSystem() {
            @Override
            public void setPermission(org.apache.hadoop.fs.Path path, FsPermission permission)
                throws IOException {
              Files.setPosixFilePermissions(
                  pathToFile(path).toPath(),
                  PosixFilePermissions.fromString(permission.toString()));
            }
          });
    }
  }

  private static Void run(SparkSession session, Job job) throws Exception {
    SparkSession.setActiveSession(session);
    Runner.run(session, job);
    // Dropping a view also drops its cache.
    for (Row view : session.sql("SHOW VIEWS").collectAsList()) {
      session.catalog().dropTempView(view.getString(1));
    }
    return null;
  }
}
