package sluice.runner;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;

import java.util.TreeMap;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.storage.StorageLevel;

/**
 * The rows of one input, each with the reason why it is invalid, or NULL. The source is read once:
 * Spark caches the rows in memory or on disk, and serves valid and quarantined rows from there.
 */
final class ValidatedInput {
  /** The column with the reason why a row is invalid, in every dataset of an input. */
  static final String REASON = "__sluice_reason";

  /** The column with an invalid row as it was read; NULL for a valid one. */
  static final String RAW = "__sluice_raw";

  private final String name;
  private final Dataset<Row> rows;

  ValidatedInput(String name, Dataset<Row> rows) {
    this(name, rows, true);
  }

  /** Set {@code cache} when reading and validating the rows again costs more than caching them. */
  ValidatedInput(String name, Dataset<Row> rows, boolean cache) {
    this.name = name;
    this.rows = cache ? rows.persist(StorageLevel.MEMORY_AND_DISK()) : rows;
  }

  /**
   * Counts the rows, which caches them, and registers the views {@code name} and {@code
   * name_quarantined}.
   */
  Result.Input register() {
    Result.Input counts = new Result.Input();
    counts.name = name;
    counts.reasons = new TreeMap<>();
    for (Row group : rows.groupBy(col(REASON)).agg(count(lit(1))).collectAsList()) {
      long n = group.getLong(1);
      counts.read += n;
      if (group.isNullAt(0)) {
        counts.valid += n;
      } else {
        counts.quarantined += n;
        counts.reasons.put(group.getString(0), n);
      }
    }
    valid().createOrReplaceTempView(name);
    quarantined().createOrReplaceTempView(name + "_quarantined");
    return counts;
  }

  private Dataset<Row> valid() {
    return rows.filter(col(REASON).isNull()).drop(REASON, RAW);
  }

  Dataset<Row> quarantined() {
    return rows.filter(col(REASON).isNotNull())
        .select(col(REASON).as("reason"), col(RAW).as("row"));
  }
}
