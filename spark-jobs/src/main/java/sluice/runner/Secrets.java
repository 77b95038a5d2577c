package sluice.runner;

import java.io.IOException;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * Values that appear in no argument, submitted property, log or event. They are read from a file of
 * the attempt.
 */
public final class Secrets {
  private static final String HADOOP = "spark.hadoop.";

  /** Spark properties. Those of Hadoop reach the executors with each plan. */
  public Map<String, String> conf = Map.of();

  /** The Kafka login of each input, in JAAS syntax. */
  public Map<String, String> jaas = Map.of();

  static Secrets of(Job job) throws IOException {
    return job.secrets == null ? new Secrets() : Job.read(job.secrets, Secrets.class);
  }

  /**
   * Sets the properties after the start, so that no environment page shows them. Events of jobs
   * contain the session's properties. Spark hides only those that are properties of the context,
   * too.
   */
  void apply(SparkSession spark) {
    Configuration hadoop = spark.sparkContext().hadoopConfiguration();
    conf.forEach(
        (name, value) -> {
          if (name.startsWith(HADOOP)) {
            hadoop.set(name.substring(HADOOP.length()), value);
          } else {
            spark.conf().set(name, value);
            spark.sparkContext().conf().set(name, "hidden");
          }
        });
  }
}
