package sluice.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class StatementsTest {
  @Test
  void semicolonsInQuotesAndCommentsDoNotEndAStatement() {
    String sql =
        "-- first; comment\nCREATE VIEW a AS SELECT ';' AS x;\n/* ; */ CREATE VIEW b AS SELECT `a;b` FROM a -- end";
    assertEquals(
        List.of("CREATE VIEW a AS SELECT ';' AS x", "CREATE VIEW b AS SELECT `a;b` FROM a"),
        Statements.of(sql));
  }

  @Test
  void aHintIsNoComment() {
    String sql = "SELECT /*+ BROADCAST(b) */ 1 /* one */";
    assertEquals(List.of("SELECT /*+ BROADCAST(b) */ 1"), Statements.of(sql));
  }

  @Test
  void emptyStatementsAreNone() {
    assertEquals(List.of(), Statements.of(" ;; -- nothing\n"));
  }

  @Test
  void anOpenQuoteRunsToTheEnd() {
    assertEquals(List.of("SELECT 'a;"), Statements.of("SELECT 'a;"));
  }
}
