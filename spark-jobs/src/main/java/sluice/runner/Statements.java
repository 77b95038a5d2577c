package sluice.runner;

import java.util.ArrayList;
import java.util.List;

/**
 * Splits a file of SQL at its semicolons, leaving alone those in quotes and comments. Comments go,
 * but for hints, which mean something.
 */
final class Statements {
  private Statements() {}

  static List<String> of(String sql) {
    List<String> statements = new ArrayList<>();
    StringBuilder statement = new StringBuilder();
    int i = 0;
    while (i < sql.length()) {
      char c = sql.charAt(i);
      int end;
      if (c == '\'' || c == '"' || c == '`') {
        end = after(sql, sql.indexOf(c, i + 1), 1);
      } else if (sql.startsWith("--", i)) {
        end = after(sql, sql.indexOf('\n', i), 0);
        i = end;
        continue;
      } else if (sql.startsWith("/*", i) && !sql.startsWith("/*+", i)) {
        end = after(sql, sql.indexOf("*/", i + 2), 2);
        i = end;
        continue;
      } else if (c == ';') {
        add(statements, statement);
        i++;
        continue;
      } else {
        end = i + 1;
      }
      statement.append(sql, i, end);
      i = end;
    }
    add(statements, statement);
    return statements;
  }

  private static int after(String sql, int found, int length) {
    return found < 0 ? sql.length() : found + length;
  }

  private static void add(List<String> statements, StringBuilder statement) {
    String text = statement.toString().trim();
    if (!text.isEmpty()) {
      statements.add(text);
    }
    statement.setLength(0);
  }
}
