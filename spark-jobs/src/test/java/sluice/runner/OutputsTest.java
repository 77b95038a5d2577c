package sluice.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataTypes;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Tests how views are computed once and written to several places at the same time. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class OutputsTest extends SparkTest {
  private static final String CSV = "id,at,note\n1,2024-01-01,x\n2,2024-01-01,y\n3,,z\n";

  private static final AtomicLong COMPUTED = new AtomicLong();
  private static volatile CountDownLatch started = new CountDownLatch(1);

  @BeforeAll
  static void registerFunctions() {
    UDF1<Long, Long> computed =
        id -> {
          COMPUTED.incrementAndGet();
          return id;
        };
    UDF1<Long, Long> endless =
        id -> {
          started.countDown();
          Thread.sleep(20);
          return id;
        };
    spark.udf().register("computed", computed, DataTypes.LongType);
    spark.udf().register("endless", endless, DataTypes.LongType);
  }

  @Test
  void aViewIsComputedOnceAndWrittenToAllOfItsSinks() throws IOException {
    COMPUTED.set(0);
    Job job =
        Jobs.job(
            folder,
            CSV,
            "CREATE OR REPLACE TEMP VIEW report AS SELECT computed(id) AS id FROM rows");
    job.outputs.add(output("report", "csv"));

    Result result = Runner.run(spark, job);

    assertEquals("succeeded", result.state, () -> result.error.message);
    assertEquals(3, COMPUTED.get());
    assertEquals(List.of("parquet 3", "csv 3"), rows(result));
    assertEquals(3, spark.read().parquet(job.outputs.get(0).place).count());
    assertEquals(3, spark.read().option("header", true).csv(job.outputs.get(1).place).count());
    assertTrue(
        result.seconds.keySet().containsAll(List.of("running the SQL", "writing report as csv")),
        result.seconds::toString);
  }

  @Test
  void aViewThatReadsAnotherOutputIsComputedFromItsRowsWhateverTheOrder() throws IOException {
    COMPUTED.set(0);
    Job job =
        Jobs.job(
            folder,
            CSV,
            "CREATE OR REPLACE TEMP VIEW first AS SELECT computed(id) AS id FROM rows;"
                + "CREATE OR REPLACE TEMP VIEW second AS SELECT id FROM first WHERE id > 1;"
                + "CREATE OR REPLACE TEMP VIEW report AS SELECT count(*) AS n FROM first WHERE id IN (SELECT id FROM second)");
    job.outputs.add(output("second", "parquet"));
    job.outputs.add(output("first", "parquet"));

    Result result = Runner.run(spark, job);

    assertEquals("succeeded", result.state, () -> result.error.message);
    assertEquals(List.of("parquet 1", "parquet 2", "parquet 3"), rows(result));
    assertEquals(2, spark.read().parquet(job.outputs.get(0).place).first().getLong(0));
    assertEquals(3, COMPUTED.get());
  }

  @Test
  void aFailedWriteStopsTheOthersAndIsReportedWithItsPhase() throws Exception {
    started = new CountDownLatch(1);
    Job job =
        Jobs.job(
            folder,
            CSV,
            "CREATE OR REPLACE TEMP VIEW first AS SELECT endless(id) AS id FROM range(0, 1000000, 1, 1);"
                + "CREATE OR REPLACE TEMP VIEW second AS SELECT waits(id) AS id FROM rows;"
                + "CREATE OR REPLACE TEMP VIEW report AS SELECT id FROM first");
    job.outputs.add(0, output("second", "parquet"));
    job.outputs.add(output("first", "csv"));
    // One task computes the other view without an end, so that one core is left for the failure.
    spark
        .udf()
        .register(
            "waits",
            (UDF1<Long, Long>)
                id -> {
                  started.await(60, TimeUnit.SECONDS);
                  throw new IllegalArgumentException("nothing good");
                },
            DataTypes.LongType);

    Result result = Runner.run(spark, job);

    assertEquals("failed", result.state);
    assertEquals("computing second and writing it as parquet", result.error.phase);
    assertEquals("IllegalArgumentException", result.error.type);
    assertEquals("nothing good", result.error.message);
    assertFalse(Files.exists(Path.of(job.outputs.get(1).place).resolve("_SUCCESS")));
    assertTrue(
        Thread.getAllStackTraces().keySet().stream()
            .noneMatch(thread -> thread.getName().startsWith(Tasks.THREAD)));
    while (spark.sparkContext().statusTracker().getActiveJobIds().length > 0) {
      Thread.sleep(50);
    }
  }

  @Test
  void anUnknownKindOfOutputIsNamed() throws IOException {
    Job job = Jobs.job(folder, CSV, "CREATE OR REPLACE TEMP VIEW report AS SELECT id FROM rows");
    job.outputs.get(0).kind = "clay tablets";

    Result result = Runner.run(spark, job);

    assertTrue(result.error.message.startsWith("[UNKNOWN_OUTPUT] "), result.error.message);
  }

  @Test
  void sinksWithDifferentNumbersOfRowsAreAnError() {
    Staged staged = new Staged("report");
    staged.add("parquet", 3);
    staged.add("csv", 3);

    JobException error = assertThrows(JobException.class, () -> staged.add("postgres", 2));

    assertEquals("[AUDIT] report: 3 rows as parquet, but 2 as postgres", error.getMessage());
  }

  private Job.Output output(String view, String kind) {
    Job.Output output = new Job.Output();
    output.view = view;
    output.kind = kind;
    output.place = folder.resolve(view + "." + kind).toString();
    return output;
  }

  private static List<String> rows(Result result) {
    return result.outputs.stream()
        .map(output -> output.kind + " " + output.rows)
        .collect(Collectors.toList());
  }
}
