package sluice.runner;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;

import java.util.TreeMap;
import org.apache.spark.api.java.function.MapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
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
   * Counts the rows, and registers the views {@code name} and {@code name_quarantined}. Footers of
   * a snapshot already know the counts, but not the reasons: those are counted when the quarantined
   * rows are written.
   */
  Result.Input register(Footers footers) {
    Result.Input counts = new Result.Input();
    counts.name = name;
    counts.reasons = new TreeMap<>();
    if (footers != null && footers.nulls().isPresent()) {
      counts.read = footers.rows();
      counts.valid = footers.nulls().getAsLong();
      counts.quarantined = counts.read - counts.valid;
    } else {
      countRows(counts);
    }
    valid().createOrReplaceTempView(name);
    quarantined().createOrReplaceTempView(name + "_quarantined");
    return counts;
  }

  /** Counts the rows, which caches them. */
  private void countRows(Result.Input counts) {
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
  }

  /** Writes the quarantined rows into a folder, and counts them by reason. */
  void writeQuarantined(String place, Result.Input counts) {
    ReasonCounts reasons = new ReasonCounts();
    rows.sparkSession().sparkContext().register(reasons);
    Dataset<Row> quarantined = quarantined();
    MapFunction<Row, Row> count =
        row -> {
          reasons.add(row.getString(0));
          return row;
        };
    quarantined
        .map(count, Encoders.row(quarantined.schema()))
        .coalesce(1)
        .write()
        .mode(SaveMode.Overwrite)
        .json(place);
    counts.reasons = reasons.value();
    long written = counts.reasons.values().stream().mapToLong(Long::longValue).sum();
    if (written != counts.quarantined) {
      throw Staged.differs(name, counts.quarantined, "quarantined", written, "written");
    }
  }

  private Dataset<Row> valid() {
    return rows.filter(col(REASON).isNull()).drop(REASON, RAW);
  }

  private Dataset<Row> quarantined() {
    return rows.filter(col(REASON).isNotNull())
        .select(col(REASON).as("reason"), col(RAW).as("row"));
  }
}
