package sluice.runner;

import java.util.StringJoiner;

/** How names and texts enter SQL: whatever characters a name has, it is only ever a name. */
final class Names {
  private Names() {}

  /** A column's name for Spark. */
  static String quoted(String name) {
    return "`" + name.replace("`", "``") + "`";
  }

  /** A text as a literal for Spark, which reads backslashes in it. */
  static String literal(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }

  /** A column's name for PostgreSQL. */
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
