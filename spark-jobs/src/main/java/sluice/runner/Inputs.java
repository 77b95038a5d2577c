package sluice.runner;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.encode;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_csv;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.udf;
import static org.apache.spark.sql.functions.when;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.StringJoiner;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * Reads each kind of input exactly as it was pinned, and adds a reason to every row that breaks a
 * rule.
 */
final class Inputs {
  private static final String CORRUPT = "_corrupt_record";

  /** The columns of a message beside its fields. */
  private static final String VALUE = "__sluice_value";

  private static final String BYTES = "__sluice_bytes";
  private static final String FIELDS = "__sluice_fields";

  /** Spark's option to read paths literally, without globs. */
  private static final String NO_GLOBS = "__globPaths__";

  private final SparkSession spark;
  private final int partitions;
  private final Secrets secrets;

  Inputs(SparkSession spark, int partitions, Secrets secrets) {
    this.spark = spark;
    this.partitions = partitions;
    this.secrets = secrets;
  }

  ValidatedInput read(Job.Input input) throws IOException {
    switch (input.kind) {
      case "kept":
        return new ValidatedInput(input.name, snapshot(input), false);
      case "csv":
        return new ValidatedInput(input.name, csv(input));
      case "postgres":
        return new ValidatedInput(input.name, postgres(input));
      case "kafka":
        return new ValidatedInput(input.name, kafka(input));
      default:
        throw new JobException("UNKNOWN_INPUT", input.name + " is of unknown kind " + input.kind);
    }
  }

  /** The footers of a snapshot; null for other inputs. */
  Footers footers(Job.Input input) throws IOException {
    return input.kind.equals("kept")
        ? Footers.of(input.paths, ValidatedInput.REASON, spark.sparkContext().hadoopConfiguration())
        : null;
  }

  /** The snapshot of a source: measured, typed and validated. */
  private Dataset<Row> snapshot(Job.Input input) {
    return spark
        .read()
        .schema(schemaOf(input.columns))
        .option(NO_GLOBS, "false")
        .parquet(input.paths.toArray(new String[0]));
  }

  static StructType schemaOf(List<Job.Column> columns) {
    StringJoiner schema = new StringJoiner(", ");
    for (Job.Column column : columns) {
      schema.add(Names.quoted(column.name) + " " + column.type);
    }
    return StructType.fromDDL(schema.toString());
  }

  private Dataset<Row> csv(Job.Input input) throws IOException {
    List<String> paths = new ArrayList<>();
    for (Job.PinnedFile file : input.files) {
      checkUnchanged(input.name, file);
      if (file.size > 0) {
        paths.add(file.path);
      }
    }
    if (paths.isEmpty()) {
      return typed(
          spark.createDataFrame(List.of(), text(input.columns).add(CORRUPT, DataTypes.StringType)),
          input);
    }
    Dataset<Row> rows =
        spark
            .read()
            .schema(text(input.columns).add(CORRUPT, DataTypes.StringType))
            .option(NO_GLOBS, "false")
            .option("header", true)
            .option("multiLine", true)
            .option("escape", "\"")
            .option("mode", "PERMISSIVE")
            .option("columnNameOfCorruptRecord", CORRUPT)
            .csv(paths.toArray(new String[0]));
    return typed(rows, input);
  }

  /** Converts text columns and the corrupt record to typed columns with reason and raw text. */
  private static Dataset<Row> typed(Dataset<Row> rows, Job.Input input) {
    List<Column> names = new ArrayList<>();
    List<Column> emptyAsNull = new ArrayList<>();
    for (Job.Column column : input.columns) {
      String name = Names.quoted(column.name);
      names.add(col(name));
      emptyAsNull.add(expr("nullif(" + name + ", '')").as(column.name));
    }
    emptyAsNull.add(col(CORRUPT));
    // A comma separates fields when an even number of quotes follows it.
    Column fields = expr("size(split(" + CORRUPT + ", ',(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)'))");
    Column broken =
        when(col(CORRUPT).isNull(), lit(null))
            .when(fields.lt(input.columns.size()), "too few columns")
            .when(fields.gt(input.columns.size()), "too many columns")
            .otherwise("unreadable");
    Column raw = coalesce(col(CORRUPT), to_csv(struct(names.toArray(new Column[0]))));
    return cast(rows.select(emptyAsNull.toArray(new Column[0])), input, broken, raw);
  }

  /**
   * Validates text columns, then casts them to their types. TRY_CAST, because invalid rows are cast
   * too.
   */
  private static Dataset<Row> cast(Dataset<Row> rows, Job.Input input, Column broken, Column raw) {
    List<Column> columns = new ArrayList<>();
    for (Job.Column column : input.columns) {
      String name = Names.quoted(column.name);
      columns.add(expr("try_cast(" + name + " AS " + column.type + ")").as(column.name));
    }
    columns.add(col(ValidatedInput.REASON));
    columns.add(when(col(ValidatedInput.REASON).isNotNull(), raw).as(ValidatedInput.RAW));
    return rows.withColumn(ValidatedInput.REASON, coalesce(broken, expr(input.reason)))
        .select(columns.toArray(new Column[0]));
  }

  private void checkUnchanged(String name, Job.PinnedFile file) throws IOException {
    Path path = new Path(file.path);
    FileStatus now =
        path.getFileSystem(spark.sparkContext().hadoopConfiguration()).getFileStatus(path);
    // File systems store times in milliseconds or coarser; the controller may have fractions.
    boolean same =
        now.getLen() == file.size && Math.abs(now.getModificationTime() - file.mtimeMs) < 1.0;
    if (!same) {
      throw new JobException(
          "INPUT_CHANGED", name + ": " + file.path + " has changed since it was measured");
    }
  }

  private Dataset<Row> postgres(Job.Input input) {
    Properties properties = new Properties();
    properties.setProperty("driver", "org.postgresql.Driver");
    properties.setProperty("user", input.user);
    properties.setProperty("fetchsize", "10000");
    // Every connection uses the snapshot in which the rows were measured.
    properties.setProperty(
        "sessionInitStatement",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION SNAPSHOT '"
            + input.snapshot.replace("'", "''")
            + "'");
    Dataset<Row> rows =
        spark
            .read()
            .jdbc(input.url, input.table, input.predicates.toArray(new String[0]), properties);
    Column reason = expr(input.reason);
    return rows.withColumn(ValidatedInput.REASON, reason)
        .withColumn(
            ValidatedInput.RAW,
            when(col(ValidatedInput.REASON).isNotNull(), to_json(struct(col("*")))));
  }

  private Dataset<Row> kafka(Job.Input input) {
    StringJoiner assigned = new StringJoiner(",", "{\"" + input.topic + "\":[", "]}");
    StringJoiner starts = new StringJoiner(",", "{\"" + input.topic + "\":{", "}}");
    StringJoiner ends = new StringJoiner(",", "{\"" + input.topic + "\":{", "}}");
    for (Job.Offsets range : input.offsets) {
      assigned.add(Integer.toString(range.partition));
      starts.add("\"" + range.partition + "\":" + range.start);
      ends.add("\"" + range.partition + "\":" + range.end);
    }
    DataFrameReader reader = spark.read().format("kafka");
    input.properties.forEach((name, value) -> reader.option("kafka." + name, value));
    String login = secrets.jaas.get(input.name);
    if (login != null) {
      reader.option("kafka.sasl.jaas.config", login);
    }
    Dataset<Row> messages =
        reader
            .option("kafka.bootstrap.servers", input.brokers)
            .option("assign", assigned.toString())
            .option("startingOffsets", starts.toString())
            .option("endingOffsets", ends.toString())
            .option("failOnDataLoss", "true")
            .option("kafka.isolation.level", "read_committed")
            // The end is known: a fetch beyond it must not delay the next request of the consumer.
            .option("kafka.fetch.max.wait.ms", "20")
            .option("minPartitions", partitions)
            .load();
    return validated(messages, input);
  }

  /**
   * Converts messages, of which only the value is used, to typed columns with reason and raw text.
   */
  static Dataset<Row> validated(Dataset<Row> messages, Job.Input input) {
    List<String> names = new ArrayList<>();
    List<Column> emptyAsNull = new ArrayList<>(List.of(col(VALUE), col(BYTES), col(FIELDS)));
    for (Job.Column column : input.columns) {
      Column field = col(FIELDS).getItem(names.size());
      emptyAsNull.add(when(field.notEqual(""), field).as(column.name));
      names.add(column.name);
    }
    // Spark computes a nondeterministic function once instead of once per field.
    UserDefinedFunction fields =
        udf(new Fields(names), DataTypes.createArrayType(DataTypes.StringType))
            .asNondeterministic();
    Dataset<Row> rows =
        messages
            .select(col("value").cast("string").as(VALUE), col("value").as(BYTES))
            .select(col(VALUE), col(BYTES), fields.apply(col(VALUE)).as(FIELDS))
            .select(emptyAsNull.toArray(new Column[0]));
    Column broken =
        // Text that does not encode to the same bytes was not valid UTF-8.
        when(encode(col(VALUE), "UTF-8").notEqual(col(BYTES)), "not valid UTF-8")
            .when(col(FIELDS).isNull(), "not a JSON object");
    return cast(rows, input, broken, coalesce(col(VALUE), lit("")));
  }

  private static StructType text(List<Job.Column> columns) {
    StructType schema = new StructType();
    for (Job.Column column : columns) {
      schema = schema.add(column.name, DataTypes.StringType);
    }
    return schema;
  }
}
