package sluice.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

/** Tests that the counts of a snapshot are the same, whether its footers have them or not. */
class SnapshotTest extends SparkTest {
  private static final StructType SCHEMA =
      new StructType()
          .add("id", DataTypes.LongType)
          .add(ValidatedInput.REASON, DataTypes.StringType)
          .add(ValidatedInput.RAW, DataTypes.StringType);

  @Test
  void footersCountTheRowsOfAllFilesAndTheNullsOfAColumn() throws IOException {
    String path = snapshot(true);

    Footers footers = footers(path);

    assertEquals(6, footers.rows());
    assertEquals(3, footers.nulls().getAsLong());
  }

  @Test
  void footersWithoutStatisticsCountRowsAlone() throws IOException {
    Footers footers = footers(snapshot(false));

    assertEquals(6, footers.rows());
    assertFalse(footers.nulls().isPresent());
  }

  @Test
  void countsAndQuarantineAreTheSameWithAndWithoutStatistics() throws IOException {
    for (boolean statistics : new boolean[] {true, false}) {
      Job job = job(snapshot(statistics));

      Result result = Runner.run(spark, job);

      assertEquals("succeeded", result.state, () -> result.error.message);
      Result.Input rows = result.inputs.get(0);
      assertEquals(6, rows.read);
      assertEquals(3, rows.valid);
      assertEquals(3, rows.quarantined);
      assertEquals(Map.of("id: missing", 2L, few(statistics), 1L), rows.reasons);
      Dataset<Row> quarantined = spark.read().json(job.quarantine + "/rows");
      assertEquals(
          List.of("[id: missing,b]", "[id: missing,c]", "[" + few(statistics) + ",f]"),
          texts(quarantined.select("reason", "row").orderBy("row")));
      assertEquals(
          List.of("[1]", "[4]", "[5]"),
          texts(spark.read().parquet(job.outputs.get(0).place).orderBy("id")));
      forgetViews();
    }
  }

  @Test
  void footersThatDoNotMatchTheRowsAreAnError() throws IOException {
    Result.Input counts = new Result.Input();
    counts.quarantined = 4;
    ValidatedInput input = new ValidatedInput("rows", spark.read().parquet(snapshot(true)), false);

    JobException error =
        assertThrows(
            JobException.class,
            () -> input.writeQuarantined(folder.resolve("quarantine").toString(), counts));

    assertTrue(error.getMessage().startsWith("[AUDIT] rows: 4 rows"), error.getMessage());
  }

  private static List<String> texts(Dataset<Row> rows) {
    List<String> texts = new ArrayList<>();
    rows.collectAsList().forEach(row -> texts.add(row.toString()));
    return texts;
  }

  private static Footers footers(String path) throws IOException {
    return Footers.of(
        List.of(path), ValidatedInput.REASON, spark.sparkContext().hadoopConfiguration());
  }

  /** Parquet has no statistics of a column with a value that is so long. */
  private static String few(boolean statistics) {
    return "too few columns" + (statistics ? "" : "!".repeat(5000));
  }

  /** Six rows in two files, three of them invalid. */
  private String snapshot(boolean statistics) {
    String path = folder.resolve("snapshot " + statistics).toString();
    spark
        .createDataFrame(
            List.of(
                RowFactory.create(1L, null, null),
                RowFactory.create(null, "id: missing", "b"),
                RowFactory.create(null, "id: missing", "c"),
                RowFactory.create(4L, null, null),
                RowFactory.create(5L, null, null),
                RowFactory.create(6L, few(statistics), "f")),
            SCHEMA)
        .repartition(2)
        .write()
        .parquet(path);
    return path;
  }

  private Job job(String path) throws IOException {
    Job job =
        Jobs.job(
            folder, "id,at,note\n", "CREATE OR REPLACE TEMP VIEW report AS SELECT * FROM rows");
    Job.Input input = job.inputs.get(0);
    input.kind = "kept";
    input.paths = List.of(path);
    input.columns =
        List.of(
            Jobs.column("id", "BIGINT"),
            Jobs.column(ValidatedInput.REASON, "STRING"),
            Jobs.column(ValidatedInput.RAW, "STRING"));
    job.outputs.get(0).place = path + " out";
    return job;
  }
}
