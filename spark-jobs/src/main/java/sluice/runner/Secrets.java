package sluice.runner;

import java.io.IOException;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;

/**
 * What is in no argument, no property of the submission, no log and no event: read from a file of
 * the attempt.
 */
public final class Secrets {
  private static final String HADOOP = "spark.hadoop.";

  /** Spark properties; those of Hadoop reach the executors with each plan. */
  public Map<String, String> conf = Map.of();

  /** How to log in to Kafka, by input. */
  public Map<String, String> jaas = Map.of();

  static Secrets of(Job job) throws IOException {
    return job.secrets == null ? new Secrets() : Job.read(job.secrets, Secrets.class);
  }

  /**
   * Sets the properties where they are looked up; afterwards, so that no environment page shows
   * them. The events of jobs hold the session's properties, and Spark hides of them only what is a
   * property of the context too.
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
