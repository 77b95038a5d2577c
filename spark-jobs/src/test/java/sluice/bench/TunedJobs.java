package sluice.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.spark.api.java.function.ForeachPartitionFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * The same job as {@link PlainJobs}, by a good engineer with some days (`fair`), and by an expert
 * of Spark (`expert`). Both read CSV with a declared schema, tables by two connections each, and
 * persist what is used twice. The expert also writes by COPY, several outputs at the same time; the
 * JVM settings and the settings of Spark are in the command line.
 *
 * <p>Usage: {@code TunedJobs fair | expert DELIVERIES JDBC_URL USER BROKERS TOPIC OUT SQL...}
 */
public final class TunedJobs {
  private static final String SCHEMA =
      "delivery_id STRING, order_id STRING, status STRING, carrier STRING, updated_at STRING";

  private TunedJobs() {}

  public static void main(String[] args)
      throws IOException, SQLException, InterruptedException, ExecutionException {
    SparkSession spark =
        SparkSession.builder().config("spark.sql.session.timeZone", "UTC").getOrCreate();
    sources(spark, args);
    PlainJobs.runSql(spark, args);
    if (args[0].equals("expert")) {
      expert(spark, args);
    } else {
      fair(spark, args);
    }
    spark.stop();
  }

  private static void sources(SparkSession spark, String[] args) {
    // Fields have line breaks, so lines cannot be read apart.
    spark
        .read()
        .schema(SCHEMA)
        .option("header", true)
        .option("multiLine", true)
        .option("escape", "\"")
        .csv(args[1])
        .createOrReplaceTempView("deliveries_read");
    spark
        .sql(
            "SELECT try_cast(delivery_id AS BIGINT) AS delivery_id, try_cast(order_id AS BIGINT) AS"
                + " order_id, status, carrier, try_cast(updated_at AS TIMESTAMP) AS updated_at"
                + " FROM deliveries_read")
        .where(
            "order_id IS NOT NULL AND updated_at IS NOT NULL AND status IN"
                + " ('created', 'in_transit', 'delivered', 'failed', 'returned')")
        .createOrReplaceTempView("deliveries");
    for (String table : new String[] {"orders", "payments", "users"}) {
      String key =
          table.equals("users") ? "user_id" : table.equals("orders") ? "order_id" : "payment_id";
      Properties properties = PlainJobs.database(args);
      properties.setProperty("fetchsize", "10000");
      String[] halves = {key + " % 2 = 0", key + " % 2 <> 0 OR " + key + " IS NULL"};
      Dataset<Row> rows = spark.read().jdbc(args[2], table, halves, properties);
      (table.equals("users") ? rows.persist() : rows).createOrReplaceTempView(table);
    }
    PlainJobs.topic(spark, args);
  }

  private static void fair(SparkSession spark, String[] args) {
    for (String view : PlainJobs.VIEWS) {
      Dataset<Row> rows = spark.table(view).persist();
      rows.write().mode(SaveMode.Overwrite).parquet(args[6] + "/" + view);
      rows.write()
          .mode(SaveMode.Overwrite)
          .option("batchsize", "10000")
          .jdbc(args[2] + "&reWriteBatchedInserts=true", "plain." + view, PlainJobs.database(args));
    }
  }

  private static void expert(SparkSession spark, String[] args)
      throws SQLException, InterruptedException, ExecutionException {
    ExecutorService threads = Executors.newFixedThreadPool(3);
    List<Future<?>> copies = new ArrayList<>();
    for (String view : PlainJobs.VIEWS) {
      Dataset<Row> rows = spark.table(view).persist();
      rows.write().mode(SaveMode.Overwrite).parquet(args[6] + "/" + view);
      copies.add(
          threads.submit(
              () -> {
                copy(rows, view, args[2], args[3]);
                return null;
              }));
    }
    threads.shutdown();
    for (Future<?> each : copies) {
      each.get();
    }
  }

  private static void copy(Dataset<Row> rows, String view, String url, String user)
      throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", user);
    String columns =
        rows.schema().toDDL().replace(" STRING", " text").replace(" TIMESTAMP", " timestamptz");
    try (Connection connection = DriverManager.getConnection(url, properties);
        Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE IF EXISTS plain." + view);
      statement.execute("CREATE TABLE plain." + view + " (" + columns.replace("`", "\"") + ")");
    }
    ForeachPartitionFunction<Row> write =
        (Iterator<Row> part) -> {
          try (Connection connection = DriverManager.getConnection(url, properties)) {
            CopyIn copy =
                connection
                    .unwrap(PGConnection.class)
                    .getCopyAPI()
                    .copyIn("COPY plain." + view + " FROM STDIN WITH (FORMAT csv)");
            StringBuilder buffer = new StringBuilder();
            while (part.hasNext()) {
              append(buffer, part.next());
              if (buffer.length() > 1 << 16) {
                send(copy, buffer);
              }
            }
            send(copy, buffer);
            copy.endCopy();
          }
        };
    rows.foreachPartition(write);
  }

  private static void append(StringBuilder line, Row row) {
    for (int i = 0; i < row.length(); i++) {
      Object value = row.get(i);
      line.append(i == 0 ? "" : ",");
      if (value instanceof String) {
        line.append('"').append(((String) value).replace("\"", "\"\"")).append('"');
      } else if (value != null) {
        line.append(value);
      }
    }
    line.append('\n');
  }

  private static void send(CopyIn copy, StringBuilder buffer) throws SQLException {
    byte[] bytes = buffer.toString().getBytes(StandardCharsets.UTF_8);
    copy.writeToCopy(bytes, 0, bytes.length);
    buffer.setLength(0);
  }
}
