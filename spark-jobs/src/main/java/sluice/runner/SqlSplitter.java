package sluice.runner;

import java.util.ArrayList;
import java.util.List;

/**
 * Splits a file of SQL at its semicolons like Spark's own lexer, except those in quotes and
 * comments. It removes comments, but not hints, which have a meaning.
 */
final class SqlSplitter {
  private final String sql;
  private int at = 0;

  private SqlSplitter(String sql) {
    this.sql = sql;
  }

  static List<String> split(String sql) {
    return new SqlSplitter(sql).split();
  }

  private List<String> split() {
    List<String> statements = new ArrayList<>();
    StringBuilder statement = new StringBuilder();
    boolean inWord = false;
    while (at < sql.length()) {
      int start = at;
      char c = sql.charAt(at);
      boolean isRaw = !inWord && (c == 'r' || c == 'R') && (next() == '\'' || next() == '"');
      inWord = Character.isLetterOrDigit(c) || c == '_';
      if (isRaw) {
        at++;
        skipQuoted(false);
        inWord = false;
      } else if (c == '\'' || c == '"') {
        skipQuoted(true);
      } else if (c == '`') {
        skipQuoted(false);
      } else if (c == '-' && next() == '-') {
        skipLine();
        // A removed comment separates two words, as its line end would.
        statement.append(' ');
        continue;
      } else if (isComment()) {
        skipComment();
        statement.append(' ');
        continue;
      } else if (c == ';') {
        at++;
        add(statements, statement);
        continue;
      } else {
        // The ends of a hint are one token each: the second character of one starts no comment.
        at += sql.startsWith("/*+", at) ? 3 : sql.startsWith("*/", at) ? 2 : 1;
      }
      statement.append(sql, start, at);
    }
    add(statements, statement);
    return statements;
  }

  private char next() {
    return at + 1 < sql.length() ? sql.charAt(at + 1) : 0;
  }

  /** Skips past the closing quote, or to the end. */
  private void skipQuoted(boolean escapes) {
    char quote = sql.charAt(at++);
    while (at < sql.length()) {
      char c = sql.charAt(at++);
      if (c == quote) {
        return;
      }
      if (escapes && c == '\\' && at < sql.length()) {
        at++;
      }
    }
  }

  /** Skips to the end of the line; a backslash before it continues the comment on the next line. */
  private void skipLine() {
    while (at < sql.length() && sql.charAt(at) != '\n' && sql.charAt(at) != '\r') {
      at += sql.startsWith("\\\n", at) ? 2 : 1;
    }
  }

  private boolean isComment() {
    return sql.startsWith("/*", at) && !sql.startsWith("/*+", at);
  }

  /** Skips past a comment and those nested in it, or to the end. */
  private void skipComment() {
    int depth = 0;
    do {
      if (isComment()) {
        depth++;
        at += 2;
      } else if (sql.startsWith("*/", at)) {
        depth--;
        at += 2;
      } else {
        at++;
      }
    } while (depth > 0 && at < sql.length());
  }

  private static void add(List<String> statements, StringBuilder statement) {
    String text = statement.toString().trim();
    if (!text.isEmpty()) {
      statements.add(text);
    }
    statement.setLength(0);
  }
}
