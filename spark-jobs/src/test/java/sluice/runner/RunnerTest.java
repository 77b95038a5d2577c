package sluice.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

/** Tests the runner in a local Spark. The integration tests cover databases and topics. */
class RunnerTest extends SparkTest {
  @Test
  void theseTestsRunOnTheSparkThatIsMeantAndOnTheJarThatIsShipped() {
    assertEquals(System.getProperty("expected.spark"), spark.version());
    String version = scala.util.Properties.versionNumberString();
    assertTrue(version.startsWith(System.getProperty("expected.scala") + "."), version);
    String runner = Runner.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    assertTrue(runner.endsWith(version.startsWith("2.12.") ? "/classes/" : ".jar"), runner);
  }

  @Test
  void aJobIsClaimedOnceAndOneThatWasGivenUpWritesNothing() throws IOException {
    Job job =
        Jobs.job(
            folder,
            "id,at,note\n1,2024-01-31,x\n",
            "CREATE OR REPLACE TEMP VIEW report AS SELECT id FROM rows");
    job.claim = folder.resolve("claimed").toString();
    job.revoked = folder.resolve("revoked").toString();
    Claim claim = new Claim(job, spark.sparkContext().hadoopConfiguration());

    claim.take();
    JobException second = assertThrows(JobException.class, claim::take);
    assertTrue(second.getMessage().startsWith("[CLAIMED] "), second.getMessage());
    assertEquals("succeeded", Runner.run(spark, job).state);

    Files.createFile(folder.resolve("revoked"));
    Result result = Runner.run(spark, job);
    assertEquals("failed", result.state);
    assertTrue(result.error.message.startsWith("[REVOKED] "), result.error.message);
  }

  @Test
  void invalidRowsArePutAsideWithTheirReasonAndTheRestIsWritten() throws IOException {
    Job job =
        Jobs.job(
            folder,
            "id,at,note\n1,2024-01-31 10:00:00,\"two\nlines, \"\"quoted\"\"\"\n2,2024-02-30 10:00:00,x\n3,2024-01-01 00:00:00\n"
                + "4,2024-01-01 00:00:00,x,y\n,2024-01-01 00:00:00,x\n6,2024-01-01T00:00:00Z,\"\"\n",
            "CREATE OR REPLACE TEMP VIEW report AS SELECT id, note, year(at) AS year FROM rows");

    Result result = Runner.run(spark, job);

    assertEquals("succeeded", result.state, () -> result.error.message);
    Result.Input rows = result.inputs.get(0);
    assertEquals(6, rows.read);
    assertEquals(2, rows.valid);
    assertEquals(4, rows.quarantined);
    assertEquals(
        Map.of(
            "at: not a timestamp",
            1L,
            "too few columns",
            1L,
            "too many columns",
            1L,
            "id: missing",
            1L),
        rows.reasons);
    List<Row> written =
        spark.read().parquet(job.outputs.get(0).place).orderBy("id").collectAsList();
    assertEquals(2, written.size());
    assertEquals("two\nlines, \"quoted\"", written.get(0).getString(1));
    assertTrue(written.get(1).isNullAt(1), "an empty text in quotes is no value");
    assertEquals(4, spark.read().json(job.quarantine + "/rows").count());
  }

  @Test
  void aRecordWithMoreFieldsThanTheHeaderIsInvalidWhateverIsInThem() throws IOException {
    Job job =
        Jobs.job(
            folder,
            "id,at,note\n1,2024-01-01,x,\n2,2024-01-01,,,\n3,2024-01-01,\"x\ny\",\"\"\n,,,\n5,2024-01-01,\n",
            "CREATE OR REPLACE TEMP VIEW report AS SELECT id FROM rows");

    Result result = Runner.run(spark, job);

    assertEquals("succeeded", result.state, () -> result.error.message);
    assertEquals(Map.of("too many columns", 4L), result.inputs.get(0).reasons);
    assertEquals(1, result.inputs.get(0).valid);
  }

  /** A test of the controller reads the same messages from the same file. */
  @Test
  void theFieldsOfAMessageHaveTheTextInWhichTheyWereWrittenAndWhatIsNoJsonIsInvalid()
      throws IOException {
    Job.Input input = new Job.Input();
    input.columns = List.of(Jobs.column("a", "string"), Jobs.column("b", "string"));
    input.reason = "CAST(NULL AS string)";
    StructType schema = new StructType().add("value", DataTypes.BinaryType);
    JsonNode cases = new ObjectMapper().readTree(Path.of("../test/profile/messages.json").toFile());
    assertTrue(cases.size() > 40);
    for (JsonNode each : cases) {
      // Jackson reads a long message in pieces.
      for (String padding : List.of("", " ".repeat(100_000))) {
        String message = each.get("message").asText().replaceFirst("^\\{", "{" + padding);
        Row value = RowFactory.create((Object) message.getBytes(StandardCharsets.UTF_8));
        Row row =
            Inputs.validated(spark.createDataFrame(List.of(value), schema), input)
                .collectAsList()
                .get(0);
        List<String> texts = new ArrayList<>();
        each.get("texts").forEach(text -> texts.add(text.isNull() ? null : text.asText()));
        boolean isObject = !each.get("texts").isNull();
        String said = each.get("message").asText();
        assertEquals(isObject ? null : "not a JSON object", row.getAs(ValidatedInput.REASON), said);
        if (isObject) {
          assertEquals(texts, Arrays.asList(row.getString(0), row.getString(1)), said);
        }
      }
    }
  }

  @Test
  void aMissingColumnFailsWithSparksOwnWordsAndThePhase() throws IOException {
    Job job =
        Jobs.job(
            folder,
            "id,at,note\n1,2024-01-01 00:00:00,x\n",
            "CREATE OR REPLACE TEMP VIEW report AS SELECT nope FROM rows");

    Result result = Runner.run(spark, job);

    assertEquals("failed", result.state);
    assertEquals("running the SQL", result.error.phase);
    assertTrue(result.error.message.contains("UNRESOLVED_COLUMN"), result.error.message);
    assertEquals(
        "failed", new ObjectMapper().readTree(Path.of(job.result).toFile()).get("state").asText());
    assertFalse(Files.exists(Path.of(job.outputs.get(0).place)));
  }

  @Test
  void aFileThatChangedSinceItWasMeasuredIsRefused() throws IOException {
    Job job =
        Jobs.job(
            folder,
            "id,at,note\n1,2024-01-01 00:00:00,x\n",
            "CREATE OR REPLACE TEMP VIEW report AS SELECT 1 AS x");
    job.inputs.get(0).files.get(0).size += 1;

    Result result = Runner.run(spark, job);

    assertEquals("failed", result.state);
    assertTrue(result.error.message.contains("INPUT_CHANGED"), result.error.message);
  }

  @Test
  void anOutputThatTheSqlDoesNotMakeIsNamed() throws IOException {
    Job job =
        Jobs.job(
            folder,
            "id,at,note\n1,2024-01-01 00:00:00,x\n",
            "CREATE OR REPLACE TEMP VIEW other AS SELECT 1 AS x");

    Result result = Runner.run(spark, job);

    assertTrue(
        result.error.message.contains("[MISSING_VIEW] the SQL creates no view report"),
        result.error.message);
  }

  @Test
  void columnsOfAnyNameComeThroughToWhatIsPublished() throws IOException {
    List<String> names =
        List.of(
            "id",
            "_id",
            "_reason",
            "a\"b",
            "a`b",
            "a[0]",
            "$.x",
            "a.b",
            "*",
            "a b",
            "x;y,z=(1)",
            "rowid",
            "Ünï");
    StructType schema = new StructType();
    List<Object> values = new ArrayList<>();
    for (String name : names) {
      schema = schema.add(name, DataTypes.StringType);
      values.add("of " + name);
    }
    schema =
        schema
            .add(ValidatedInput.REASON, DataTypes.StringType)
            .add(ValidatedInput.RAW, DataTypes.StringType);
    values.add(null);
    values.add(null);
    String path = folder.resolve("kept [1].parquet").toString();
    spark
        .createDataFrame(List.of(RowFactory.create(values.toArray())), schema)
        .write()
        .parquet(path);
    Job job =
        Jobs.job(
            folder, "id,at,note\n", "CREATE OR REPLACE TEMP VIEW report AS SELECT * FROM rows");
    Job.Input input = job.inputs.get(0);
    input.kind = "kept";
    input.paths = List.of(path);
    input.columns = new ArrayList<>();
    for (String name : schema.fieldNames()) {
      input.columns.add(Jobs.column(name, "STRING"));
    }

    Result result = Runner.run(spark, job);

    assertEquals("succeeded", result.state, () -> result.error.message);
    Dataset<Row> written = spark.read().parquet(job.outputs.get(0).place);
    assertEquals(names, List.of(written.columns()));
    for (int i = 0; i < names.size(); i++) {
      assertEquals("of " + names.get(i), written.first().getString(i));
    }
  }

  @Test
  void joinsThatMultiplyRowsAreNoticedAndThoseByAKeyAreNot() throws IOException {
    String twice = "(SELECT id, note FROM rows UNION ALL SELECT id, note FROM rows)";
    Map<String, List<String>> expected = new LinkedHashMap<>();
    expected.put("rows a JOIN rows b ON a.id = b.id", List.of());
    expected.put("rows a LEFT JOIN " + twice + " b ON a.id = b.id", List.of());
    expected.put("rows a FULL JOIN rows b ON a.id = b.id + 1", List.of());
    expected.put(
        twice + " a JOIN (SELECT * FROM " + twice + " WHERE id < 3) b ON a.id = b.id",
        List.of("id: 4 and 4 became 8"));
    expected.put(
        "/*+ MERGE(b) */ * FROM " + twice + " a JOIN " + twice + " b ON a.id = b.id",
        List.of("id: 6 and 6 became 12"));
    expected.put("rows a CROSS JOIN rows b", List.of("null: 3 and 3 became 9"));

    for (Map.Entry<String, List<String>> each : expected.entrySet()) {
      String from = each.getKey();
      String select = from.startsWith("/*") ? from.replace("*/ *", "*/ a.id") : "a.id FROM " + from;
      Job job =
          Jobs.job(
              folder,
              "id,at,note\n1,2024-01-01,x\n2,2024-01-01,y\n3,2024-01-01,z\n",
              "CREATE OR REPLACE TEMP VIEW report AS SELECT " + select);
      Result result = Runner.run(spark, job);
      assertEquals("succeeded", result.state, () -> result.error.message);
      List<String> noticed = new ArrayList<>();
      for (Result.Join join : result.outputs.get(0).joins) {
        noticed.add(join.on + ": " + join.left + " and " + join.right + " became " + join.rows);
      }
      assertEquals(each.getValue(), noticed, from);
      forgetViews();
    }
  }
}
