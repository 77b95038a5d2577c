package sluice.runner;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileContext;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Options;
import org.apache.hadoop.fs.Path;

/** The result of the job, written as one JSON file at its end, whole or not at all. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public final class Result {
  public String key;
  public String state;
  public String applicationId;
  public final List<Input> inputs = new ArrayList<>();
  public final List<Output> outputs = new ArrayList<>();

  /** Seconds by phase. Phases overlap: outputs are written at the same time. */
  public final Map<String, Double> seconds = new LinkedHashMap<>();

  public Failure error;

  public static final class Input {
    public String name;
    public long read;
    public long valid;
    public long quarantined;
    public Map<String, Long> reasons;
  }

  public static final class Output {
    public String view;
    public String kind;
    public String place;
    public long rows;

    /** The joins of this view that multiplied rows. */
    public List<Join> joins = List.of();
  }

  /** A join, with the rows of its two sides and its own. */
  public static final class Join {
    /** The join columns; null for a join without a key. */
    public String on;

    public long left;
    public long right;
    public long rows;
  }

  public static final class Failure {
    public String type;
    public String message;
    public String phase;
  }

  /** Writes to a temporary file and renames it, so that no reader sees a partial result. */
  void write(String location, Configuration configuration) throws IOException {
    Path path = new Path(location);
    Path temporary = path.suffix(".writing");
    FileSystem files = path.getFileSystem(configuration);
    files.setWriteChecksum(false);
    try (OutputStream out = files.create(temporary, true)) {
      new ObjectMapper().writeValue(out, this);
    }
    FileContext.getFileContext(path.toUri(), configuration)
        .rename(
            files.makeQualified(temporary), files.makeQualified(path), Options.Rename.OVERWRITE);
  }
}
