package sluice.runner;

import java.util.StringJoiner;

/** Quoting of names and texts in SQL, so that a name with any characters is only a name. */
final class Names {
  private Names() {}

  /** A column name for Spark. */
  static String quoted(String name) {
    return "`" + name.replace("`", "``") + "`";
  }

  /** A text as a literal for Spark, which interprets backslashes. */
  static String literal(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }

  /** A column name for PostgreSQL. */
  static String identifier(String name) {
    return "\"" + name.replace("\"", "\"\"") + "\"";
  }

  /** {@code table} or {@code schema.table} for PostgreSQL. */
  static String table(String name) {
    StringJoiner parts = new StringJoiner(".");
    for (String part : name.split("\\.")) {
      parts.add(identifier(part));
    }
    return parts.toString();
  }
}
