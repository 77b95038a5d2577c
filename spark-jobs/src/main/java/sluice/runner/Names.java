package sluice.runner;

/** How names and texts enter Spark SQL: whatever characters a name has, it is only ever a name. */
final class Names {
  private Names() {}

  /** A column's name in backticks. */
  static String quoted(String name) {
    return "`" + name.replace("`", "``") + "`";
  }

  /** A text as a literal; Spark reads backslashes in it. */
  static String literal(String text) {
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
  }
}
