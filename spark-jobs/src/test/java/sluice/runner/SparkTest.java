package sluice.runner;

import java.nio.file.Path;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** Tests with a local Spark, which the tests of a class share, and a folder of each one's own. */
abstract class SparkTest {
  static SparkSession spark;
  @TempDir Path folder;

  @BeforeAll
  static void startSpark() {
    spark = Jobs.startSpark();
  }

  @AfterAll
  static void stopSpark() {
    spark.stop();
  }

  @AfterEach
  void forgetViews() {
    for (String view : new String[] {"report", "first", "second"}) {
      spark.catalog().dropTempView(view);
    }
    spark.catalog().clearCache();
  }
}
