package sluice.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;

/**
 * The baseline of the benchmark: the jobs as a good engineer writes them on the first day, with
 * Spark's defaults. It reads CSV with an inferred schema, whole tables by JDBC, and the topic from
 * its beginning.
 *
 * <p>Usage: {@code PlainJobs noop | count | report DELIVERIES JDBC_URL USER BROKERS TOPIC [OUT
 * SQL...]}
 */
public final class PlainJobs {
  static final String[] VIEWS = {"order_mart", "customer_mart", "marketing_summary"};
  private static final String[] SOURCES = {
    "deliveries", "orders", "payments", "users", "order_events"
  };

  private PlainJobs() {}

  public static void main(String[] args) throws IOException {
    SparkSession spark =
        SparkSession.builder().config("spark.sql.session.timeZone", "UTC").getOrCreate();
    if (args[0].equals("noop")) {
      System.out.println(spark.range(1000).selectExpr("sum(id)").first().getLong(0));
    } else if (args[0].equals("count")) {
      sources(spark, args);
      count(spark);
    } else {
      sources(spark, args);
      report(spark, args);
    }
    spark.stop();
  }

  private static void sources(SparkSession spark, String[] args) {
    Dataset<Row> read =
        spark
            .read()
            .option("header", true)
            .option("inferSchema", true)
            .option("multiLine", true)
            .option("escape", "\"")
            .csv(args[1]);
    read.createOrReplaceTempView("deliveries_read");
    spark
        .sql(
            "SELECT delivery_id, try_cast(order_id AS BIGINT) AS order_id, status, carrier,"
                + " try_cast(updated_at AS TIMESTAMP) AS updated_at FROM deliveries_read")
        .createOrReplaceTempView("deliveries_typed");
    spark
        .sql(
            "SELECT * FROM deliveries_typed WHERE order_id IS NOT NULL AND updated_at IS NOT NULL"
                + " AND status IN ('created', 'in_transit', 'delivered', 'failed', 'returned')")
        .createOrReplaceTempView("deliveries");
    for (String table : new String[] {"orders", "payments", "users"}) {
      spark.read().jdbc(args[2], table, database(args)).createOrReplaceTempView(table);
    }
    topic(spark, args);
  }

  static void topic(SparkSession spark, String[] args) {
    spark
        .read()
        .format("kafka")
        .option("kafka.bootstrap.servers", args[4])
        .option("subscribe", args[5])
        .option("startingOffsets", "earliest")
        .load()
        .selectExpr(
            "from_json(CAST(value AS STRING), 'event_id STRING, order_id BIGINT, seq INT, type"
                + " STRING, occurred_at TIMESTAMP') AS event")
        .selectExpr("event.*")
        .createOrReplaceTempView("order_events");
  }

  private static void count(SparkSession spark) {
    for (String source : SOURCES) {
      List<String> counts = new ArrayList<>(List.of("count(*) AS n"));
      for (String column : spark.table(source).columns()) {
        counts.add("count_if(" + column + " IS NULL) AS " + column);
      }
      System.out.println(
          source
              + ": "
              + spark
                  .table(source)
                  .selectExpr(counts.toArray(new String[0]))
                  .first()
                  .mkString(" "));
    }
    System.out.println("deliveries read: " + spark.table("deliveries_read").count());
  }

  private static void report(SparkSession spark, String[] args) throws IOException {
    runSql(spark, args);
    for (String view : VIEWS) {
      // Not cached: a cached plan retains its 200 partitions, which costs more than computing it
      // twice.
      Dataset<Row> rows = spark.table(view);
      rows.write().mode(SaveMode.Overwrite).parquet(args[6] + "/" + view);
      rows.write().mode(SaveMode.Overwrite).jdbc(args[2], "plain." + view, database(args));
    }
  }

  static void runSql(SparkSession spark, String[] args) throws IOException {
    for (String file : Arrays.copyOfRange(args, 7, args.length)) {
      for (String statement : Files.readString(Paths.get(file)).replaceAll("--.*", "").split(";")) {
        if (!statement.isBlank()) {
          spark.sql(statement);
        }
      }
    }
  }

  static Properties database(String[] args) {
    Properties properties = new Properties();
    properties.setProperty("user", args[3]);
    properties.setProperty("driver", "org.postgresql.Driver");
    return properties;
  }
}
