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

/** What the job did, written as one JSON file at its end, whole or not at all. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public final class Result {
  public String key;
  public String state;
  public String applicationId;
  public final List<Input> inputs = new ArrayList<>();
  public final List<Output> outputs = new ArrayList<>();

  /** Seconds a phase. */
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

    /** Those that multiplied rows on the way to this view. */
    public List<Join> joins = List.of();
  }

  /** A join, the rows of its two sides, and the rows that it made of them. */
  public static final class Join {
    /** What was joined on; null when it was on no key at all. */
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

  /** Writes beside the place and renames, so that nobody ever reads half a result. */
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
