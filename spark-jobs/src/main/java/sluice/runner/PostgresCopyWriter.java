package sluice.runner;

import java.io.Serializable;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Iterator;
import java.util.List;
import java.util.Properties;
import java.util.StringJoiner;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Writes a dataset into a new PostgreSQL table by COPY, one transaction per partition. In the same
 * transaction, the partition is recorded in a table beside it. A task that Spark runs twice
 * therefore writes its rows once.
 */
final class PostgresCopyWriter implements Serializable {
  /** More connections at once would take them from others. */
  private static final int STREAMS = 16;

  /** A connection costs more than fewer rows than this gain by another one. */
  private static final long ROWS_PER_STREAM = 50_000;

  private final String url;
  private final String user;
  private final String table;

  PostgresCopyWriter(Job.Output output) {
    this.url = output.url;
    this.user = output.user;
    this.table = output.place;
  }

  /**
   * Writes the rows and returns their number. {@code expected} is that of a computed dataset; -1
   * when its rows are computed by this write, which then keeps the partitions as they are.
   */
  long write(Dataset<Row> rows, long expected) throws SQLException {
    StructType schema = rows.schema();
    StringJoiner columns = new StringJoiner(", ");
    for (StructField field : schema.fields()) {
      columns.add(Names.identifier(field.name()) + " " + typeOf(field));
    }
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE " + Names.table(table) + " (" + columns + ")");
      statement.execute(
          "CREATE TABLE " + Names.table(parts()) + " (part integer PRIMARY KEY, rows bigint)");
    }
    JavaRDD<InternalRow> partitions = rows.queryExecution().toRdd().toJavaRDD();
    if (expected >= 0) {
      long streams = Math.min(STREAMS, expected / ROWS_PER_STREAM + 1);
      partitions = partitions.coalesce((int) streams);
    }
    FlatMapFunction<Iterator<InternalRow>, Long> copy =
        part -> List.of(copyPartition(part, schema)).iterator();
    long written = 0;
    for (long part : partitions.mapPartitions(copy).collect()) {
      written += part;
    }
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE " + Names.table(parts()));
    }
    return written;
  }

  /** Whether a dataset has so many partitions that it must be computed before it is written. */
  static boolean needsComputed(Dataset<Row> rows) {
    return rows.queryExecution().toRdd().getNumPartitions() > STREAMS;
  }

  private long copyPartition(Iterator<InternalRow> rows, StructType schema) throws SQLException {
    int partition = TaskContext.getPartitionId();
    try (Connection connection = connect()) {
      connection.setAutoCommit(false);
      if (!claim(connection, partition)) {
        return rowsOf(connection, partition);
      }
      CopyIn copy =
          connection
              .unwrap(PGConnection.class)
              .getCopyAPI()
              .copyIn("COPY " + Names.table(table) + " FROM STDIN WITH (FORMAT binary)");
      long written = 0;
      try {
        CopyEncoder encoder = new CopyEncoder(copy, schema);
        while (rows.hasNext()) {
          if (TaskContext.get().isInterrupted()) {
            throw new TaskKilledException("another write failed");
          }
          encoder.write(rows.next());
          written++;
        }
        encoder.finish();
        long stored = copy.endCopy();
        if (stored != written) {
          throw Staged.differs(table, written, "sent", stored, "stored");
        }
      } finally {
        if (copy.isActive()) {
          copy.cancelCopy();
        }
      }
      note(connection, partition, written);
      connection.commit();
      return written;
    }
  }

  /** False when an earlier attempt of this task has committed; waits for one that is committing. */
  private boolean claim(Connection connection, int partition) throws SQLException {
    String sql =
        "INSERT INTO " + Names.table(parts()) + " (part) VALUES (?) ON CONFLICT DO NOTHING";
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      insert.setInt(1, partition);
      return insert.executeUpdate() == 1;
    }
  }

  private void note(Connection connection, int partition, long rows) throws SQLException {
    String sql = "UPDATE " + Names.table(parts()) + " SET rows = ? WHERE part = ?";
    try (PreparedStatement update = connection.prepareStatement(sql)) {
      update.setLong(1, rows);
      update.setInt(2, partition);
      update.executeUpdate();
    }
  }

  /** The rows that an earlier attempt of this task has committed. */
  private long rowsOf(Connection connection, int partition) throws SQLException {
    String sql = "SELECT rows FROM " + Names.table(parts()) + " WHERE part = ?";
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      select.setInt(1, partition);
      try (ResultSet found = select.executeQuery()) {
        found.next();
        return found.getLong(1);
      }
    }
  }

  private Connection connect() throws SQLException {
    Properties properties = new Properties();
    properties.setProperty("user", user);
    properties.setProperty("ApplicationName", "sluice");
    return DriverManager.getConnection(url, properties);
  }

  private String parts() {
    return table + "__parts";
  }

  /** PostgreSQL's type of a column. */
  private static String typeOf(StructField field) {
    DataType type = field.dataType();
    if (type.equals(DataTypes.StringType)) return "text";
    if (type.equals(DataTypes.IntegerType)) return "integer";
    if (type.equals(DataTypes.LongType)) return "bigint";
    if (type.equals(DataTypes.ShortType) || type.equals(DataTypes.ByteType)) return "smallint";
    if (type.equals(DataTypes.DoubleType)) return "double precision";
    if (type.equals(DataTypes.FloatType)) return "real";
    if (type.equals(DataTypes.BooleanType)) return "boolean";
    if (type.equals(DataTypes.DateType)) return "date";
    if (type.equals(DataTypes.TimestampType)) return "timestamptz";
    if (type.equals(DataTypes.TimestampNTZType)) return "timestamp";
    if (type instanceof DecimalType) {
      DecimalType decimal = (DecimalType) type;
      return "numeric(" + decimal.precision() + ", " + decimal.scale() + ")";
    }
    throw new JobException(
        "DATATYPE_MISMATCH",
        "column "
            + field.name()
            + " is of type "
            + type.sql()
            + ", which PostgreSQL has no column for");
  }
}
