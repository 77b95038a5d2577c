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
 * What the controller wants done, read from the job file. Holds no password: those are in a pgpass
 * file.
 */
public final class Job {
  public String key;
  public String result;

  /** The file that only one driver can create; without one, everybody may run. */
  public String claim;

  /** Once this file is there, nothing more may be written. */
  public String revoked;

  /** The file of what only the driver may see; none, when left out. */
  public String secrets;

  public String quarantine;
  public String sql;
  public int partitions;
  public List<Input> inputs;
  public List<Output> outputs;

  /** A source: which kind tells which of the fields below are set. */
  public static final class Input {
    public String name;
    public String kind;

    /** Spark SQL over the columns: why a row is invalid, or NULL. */
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
