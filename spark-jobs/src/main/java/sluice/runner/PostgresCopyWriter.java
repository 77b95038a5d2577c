package sluice.runner;

import java.io.IOException;
import java.io.Serializable;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Iterator;
import java.util.Properties;
import java.util.StringJoiner;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.ForeachPartitionFunction;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.DecimalType;
import org.apache.spark.sql.types.StructField;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/**
 * Writes a dataset into a new PostgreSQL table by COPY, one transaction per partition. In the same
 * transaction, the partition is recorded in a table beside it. A task that Spark runs twice
 * therefore writes its rows once.
 */
final class PostgresCopyWriter implements Serializable {
  private static final int BUFFER = 1 << 16;

  private final String url;
  private final String user;
  private final String table;

  PostgresCopyWriter(Job.Output output) {
    this.url = output.url;
    this.user = output.user;
    this.table = output.place;
  }

  void write(Dataset<Row> rows) throws SQLException {
    StringJoiner columns = new StringJoiner(", ");
    for (StructField field : rows.schema().fields()) {
      columns.add(Names.identifier(field.name()) + " " + typeOf(field));
    }
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE " + Names.table(table) + " (" + columns + ")");
      statement.execute("CREATE TABLE " + Names.table(parts()) + " (part integer PRIMARY KEY)");
    }
    ForeachPartitionFunction<Row> copy = this::copyPartition;
    rows.foreachPartition(copy);
    try (Connection connection = connect();
        Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE " + Names.table(parts()));
    }
  }

  private void copyPartition(Iterator<Row> rows) throws SQLException, IOException {
    try (Connection connection = connect()) {
      connection.setAutoCommit(false);
      if (!claim(connection, TaskContext.getPartitionId())) {
        return;
      }
      CopyIn copy =
          connection
              .unwrap(PGConnection.class)
              .getCopyAPI()
              .copyIn("COPY " + Names.table(table) + " FROM STDIN WITH (FORMAT csv)");
      try {
        StringBuilder buffer = new StringBuilder(BUFFER + 1024);
        while (rows.hasNext()) {
          append(buffer, rows.next());
          if (buffer.length() >= BUFFER) {
            send(copy, buffer);
          }
        }
        send(copy, buffer);
        copy.endCopy();
      } finally {
        if (copy.isActive()) {
          copy.cancelCopy();
        }
      }
      connection.commit();
    }
  }

  /** False when an earlier attempt of this task has committed; waits for one that is committing. */
  private boolean claim(Connection connection, int partition) throws SQLException {
    String sql = "INSERT INTO " + Names.table(parts()) + " VALUES (?) ON CONFLICT DO NOTHING";
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      insert.setInt(1, partition);
      return insert.executeUpdate() == 1;
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

  private static void send(CopyIn copy, StringBuilder buffer) throws SQLException {
    byte[] bytes = buffer.toString().getBytes(StandardCharsets.UTF_8);
    copy.writeToCopy(bytes, 0, bytes.length);
    buffer.setLength(0);
  }

  /** One CSV line: NULL is empty, an empty text is "". */
  private static void append(StringBuilder line, Row row) {
    for (int i = 0; i < row.length(); i++) {
      if (i > 0) {
        line.append(',');
      }
      Object value = row.get(i);
      if (value instanceof String) {
        line.append('"').append(((String) value).replace("\"", "\"\"")).append('"');
      } else if (value instanceof BigDecimal) {
        line.append(((BigDecimal) value).toPlainString());
      } else if (value != null) {
        line.append(value);
      }
    }
    line.append('\n');
  }

  /**
   * PostgreSQL's type of a column. Dates and times arrive as java.time, whose text both sides read
   * alike.
   */
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
