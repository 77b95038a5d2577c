package sluice.runner;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;

/**
 * The job description from the controller's job file. It holds no password: those are in a pgpass
 * file and in the secrets file.
 */
public final class Job {
  public String key;
  public String result;

  /** The file that only one driver can create; without it, every driver may run. */
  public String claim;

  /** Once this file exists, nothing more may be written. */
  public String revoked;

  /** The secrets file, readable by the driver alone; left out, there are no secrets. */
  public String secrets;

  public String quarantine;
  public String sql;
  public int partitions;
  public List<Input> inputs;
  public List<Output> outputs;

  /** A source. Its kind decides which of the fields below are set. */
  public static final class Input {
    public String name;
    public String kind;

    /** The Spark SQL of the reason why a row is invalid; NULL for a valid one. */
    public String reason;

    public List<Column> columns;
    public List<String> paths;
    public List<PinnedFile> files;
    public String url;
    public String user;
    public String table;
    public String snapshot;
    public List<String> predicates;
    public String brokers;

    /** Properties of the Kafka client, without secrets. */
    public Map<String, String> properties = Map.of();

    public String topic;
    public List<Offsets> offsets;
  }

  public static final class Column {
    public String name;
    public String type;
  }

  public static final class PinnedFile {
    public String path;
    public long size;
    public double mtimeMs;
  }

  public static final class Offsets {
    public int partition;
    public long start;
    public long end;
  }

  /** A view to write to its staging place: a folder, or {@code schema.table} of a database. */
  public static final class Output {
    public String view;
    public String kind;
    public String place;
    public String url;
    public String user;
  }

  static Job read(String location) throws IOException {
    return read(location, Job.class);
  }

  static <T> T read(String location, Class<T> shape) throws IOException {
    Path path = new Path(location);
    try (InputStream in = path.getFileSystem(new Configuration()).open(path)) {
      return new ObjectMapper()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .readValue(in, shape);
    }
  }
}
