package sluice.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.antlr.v4.runtime.CharStreams;
import org.antlr.v4.runtime.Token;
import org.apache.spark.sql.catalyst.parser.SqlBaseLexer;
import org.apache.spark.sql.catalyst.parser.UpperCaseCharStream;
import org.junit.jupiter.api.Test;

class SqlSplitterTest {
  @Test
  void semicolonsInQuotesAndCommentsDoNotEndAStatement() {
    String sql =
        "-- first; comment\nCREATE VIEW a AS SELECT ';' AS x;\n/* ; */ CREATE VIEW b AS SELECT `a;b` FROM a -- end";
    assertEquals(
        List.of("CREATE VIEW a AS SELECT ';' AS x", "CREATE VIEW b AS SELECT `a;b` FROM a"),
        SqlSplitter.split(sql));
  }

  @Test
  void aHintIsNoComment() {
    String sql = "SELECT /*+ BROADCAST(b) */ 1 /* one */";
    assertEquals(List.of("SELECT /*+ BROADCAST(b) */ 1"), SqlSplitter.split(sql));
  }

  @Test
  void emptyStatementsAreNone() {
    assertEquals(List.of(), SqlSplitter.split(" ;; -- nothing\n"));
  }

  @Test
  void anOpenQuoteRunsToTheEnd() {
    assertEquals(List.of("SELECT 'a;"), SqlSplitter.split("SELECT 'a;"));
  }

  @Test
  void aBackslashKeepsAQuoteOpenButNotInARawString() {
    assertEquals(
        List.of("SELECT 'it\\'s; fine'", "SELECT r'\\'", "SELECT \"a\\\";b\""),
        SqlSplitter.split("SELECT 'it\\'s; fine'; SELECT r'\\'; SELECT \"a\\\";b\""));
  }

  @Test
  void commentsInsideCommentsAreOne() {
    assertEquals(
        List.of("SELECT 1", "SELECT 2"), SqlSplitter.split("/* a /* b; */ c; */SELECT 1;SELECT 2"));
  }

  /** Compares random sequences of quotes, escapes and comments with Spark's own lexer. */
  @Test
  void statementsAreSplitAsSparksOwnLexerSplitsThem() {
    String[] parts = {
      "'", "'", "\"", "`", "\\", ";", ";", "--", "\n", "/*", "*/", "/*+", "r'", "R\"", "a", " ",
      "1", "-", "/", "*", "'x'", "\r\n"
    };
    long seed = Long.getLong("statements.seed", System.nanoTime());
    Random random = new Random(seed);
    int compared = 0;
    for (int i = 0; i < 20_000; i++) {
      StringBuilder sql = new StringBuilder();
      for (int n = random.nextInt(14); n >= 0; n--) {
        sql.append(parts[random.nextInt(parts.length)]);
      }
      List<List<String>> expected = lexed(sql.toString());
      if (expected == null) {
        continue;
      }
      compared++;
      List<List<String>> found = new ArrayList<>();
      for (String statement : SqlSplitter.split(sql.toString())) {
        List<List<String>> tokens = lexed(statement);
        found.addAll(tokens == null ? List.of(List.of("unlexable: " + statement)) : tokens);
      }
      assertEquals(expected, found, "seed " + seed + ": " + sql);
    }
    assertTrue(compared > 5_000, compared + " texts were compared");
  }

  /** The tokens of each statement; null for a text with an unrecognized token. */
  private static List<List<String>> lexed(String sql) {
    SqlBaseLexer lexer = new SqlBaseLexer(new UpperCaseCharStream(CharStreams.fromString(sql)));
    lexer.removeErrorListeners();
    List<List<String>> statements = new ArrayList<>();
    List<String> statement = new ArrayList<>();
    for (Token token : lexer.getAllTokens()) {
      if (token.getType() == SqlBaseLexer.UNRECOGNIZED) {
        return null;
      }
      if (token.getType() == SqlBaseLexer.BRACKETED_COMMENT && !token.getText().endsWith("*/")) {
        return null;
      }
      if (token.getType() == SqlBaseLexer.SEMICOLON) {
        if (!statement.isEmpty()) {
          statements.add(statement);
        }
        statement = new ArrayList<>();
      } else if (token.getChannel() == Token.DEFAULT_CHANNEL) {
        statement.add(token.getText());
      }
    }
    if (!statement.isEmpty()) {
      statements.add(statement);
    }
    return statements;
  }
}
