package sluice.runner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class StandbyTest extends SparkTest {
  private static final String SQL =
      "CREATE OR REPLACE TEMP VIEW report AS SELECT id, note FROM rows";

  private Path home;

  @BeforeEach
  void makeHome() throws IOException {
    home = Files.createDirectory(folder.resolve("standby"));
  }

  private Standby standing(long idleSeconds) throws IOException {
    return standing(idleSeconds, SQL);
  }

  private Standby standing(long idleSeconds, String sql) throws IOException {
    Job like = job();
    like.sql = sql;
    Map<String, Object> description =
        Map.of("idleSeconds", idleSeconds, "like", like, "version", "1");
    Files.writeString(
        home.resolve("standby.json"), new ObjectMapper().writeValueAsString(description));
    return Standby.of("standby:" + home);
  }

  private Job job() throws IOException {
    Job job = Jobs.job(folder, "id,at,note\n1,2026-01-01 00:00:00,one\n", SQL);
    job.claim = folder.resolve("claimed").toString();
    return job;
  }

  private void decide(Object assignment) throws IOException {
    Files.writeString(home.resolve("job"), new ObjectMapper().writeValueAsString(assignment));
  }

  private String spec() throws IOException {
    Path file = folder.resolve("job.json");
    return Files.writeString(file, new ObjectMapper().writeValueAsString(job())).toString();
  }

  @Test
  void anArgumentIsAJobOrAStandby() throws IOException {
    assertNull(Standby.of(spec()));
    assertThrows(IOException.class, () -> Standby.of("standby:" + folder.resolve("nowhere")));
  }

  @Test
  void warmsUpAndLeavesNothingButThatItIsReady() throws Exception {
    standing(1).warmUp(spark);
    try (var files = Files.list(home)) {
      assertEquals(
          java.util.Set.of("ready", "standby.json"),
          files
              .map(each -> each.getFileName().toString())
              .collect(java.util.stream.Collectors.toSet()));
    }
    assertFalse(Files.exists(folder.resolve("claimed")));
    assertFalse(Files.exists(folder.resolve("out")));
    assertFalse(spark.catalog().tableExists("report"), "its views are in a session of their own");
  }

  @Test
  void doesNotExecuteStatementsThatActOnce() {
    assertTrue(Standby.isView("-- a\n /* b\n */ create or replace temporary  view x AS SELECT 1"));
    assertTrue(Standby.isView("CREATE TEMP VIEW x AS SELECT 'DROP TABLE t'"));
    for (String other :
        new String[] {
          "INSERT INTO t SELECT * FROM rows",
          "CREATE TABLE t AS SELECT 1",
          "CREATE GLOBAL TEMP VIEW x AS SELECT 1",
          "-- CREATE TEMP VIEW x\nDROP TABLE t",
          "SET spark.sql.ansi.enabled = false",
        }) {
      assertFalse(Standby.isView(other), other);
    }
  }

  @Test
  void isReadyAlsoWhenTheLikelyJobFails() throws Exception {
    Files.writeString(
        home.resolve("standby.json"),
        "{\"idleSeconds\":1,\"like\":{\"inputs\":[],\"outputs\":[]}}");
    Standby.of("standby:" + home).warmUp(spark);
    assertTrue(Files.exists(home.resolve("ready")));
  }

  @Test
  void takesTheClaimOfItsJobAndCopiesItsPasswords() throws Exception {
    Path passwords = Files.writeString(folder.resolve("pgpass"), "secret");
    Standby standby = standing(60);
    decide(Map.of("spec", spec(), "files", Map.of("org.postgresql.pgpassfile", passwords)));
    assertEquals("test", standby.await(spark).key);
    assertTrue(Files.exists(folder.resolve("claimed")));
    Path copy = home.resolve("secret/org.postgresql.pgpassfile");
    assertEquals("secret", Files.readString(copy));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(copy)));
    standby.close();
    assertFalse(Files.exists(copy));
  }

  @Test
  void aBarredJobIsNotExecuted() throws Exception {
    Standby standby = standing(60);
    Files.writeString(folder.resolve("claimed"), "controller");
    decide(Map.of("spec", spec()));
    assertThrows(JobException.class, () -> standby.await(spark));
  }

  @Test
  void aWarmUpEndsWhenTheJobIsThere() throws Exception {
    String endless =
        "CREATE OR REPLACE TEMP VIEW report AS SELECT sum(hash(id)) AS n FROM range(100000000000000)";
    Standby standby = standing(60, endless);
    decide(Map.of("spec", spec()));
    assertEquals("test", standby.await(spark).key);
  }

  @Test
  void theWarmUpLeavesNoRowsToTheJob() throws Exception {
    standing(1, "CREATE OR REPLACE TEMP VIEW report AS SELECT rand(1) AS n FROM range(3)")
        .warmUp(spark);
    assertTrue(spark.sharedState().cacheManager().isEmpty());
  }

  @Test
  void leavesWhenItIsSentAway() throws Exception {
    Standby standby = standing(60);
    decide(Map.of());
    assertNull(standby.await(spark));
  }

  @Test
  void leavesWhenItsFolderIsGone() throws Exception {
    Standby standby = standing(60);
    Files.delete(home.resolve("standby.json"));
    assertNull(standby.await(spark));
  }

  @Test
  void leavesByItselfAfterItsTimeAndNobodyCanGiveItAJobThen() throws Exception {
    assertNull(standing(0).await(spark));
    assertEquals("{}", Files.readString(home.resolve("job")));
  }
}
