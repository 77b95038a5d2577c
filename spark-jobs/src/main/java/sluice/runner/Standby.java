package sluice.runner;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.permission.FsAction;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * A driver that started before its job was known. It warms up, waits, executes one job, and ends.
 * Who creates the file {@code job} in its folder decides over it: a controller gives it a job or
 * sends it away; the driver itself leaves when nothing came for long.
 */
final class Standby {
  /** Starts the argument of such a driver; its folder follows. */
  private static final String SCHEME = "standby:";

  /** What the controller leaves in the folder. Without it, nobody knows of the driver any more. */
  private static final String DESCRIPTION = "standby.json";

  /** A statement that may be executed once more: it does nothing until its view is read. */
  private static final Pattern VIEW =
      Pattern.compile(
          "(\\s|--[^\\n]*\\n|/\\*.*?\\*/)*CREATE\\s+(OR\\s+REPLACE\\s+)?(TEMP|TEMPORARY)\\s+VIEW\\b.*",
          Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  private static final long POLL_MS = 25;

  private static final long CANCEL_INTERVAL_MS = 100;

  /** The rows of each input for the warm-up: enough that what they run through is compiled. */
  private static final int ROWS = 20_000;

  /** The description that the controller leaves in the folder. */
  public static final class Description {
    /** How long to wait for a job. */
    public long idleSeconds;

    /** The job after which this driver was started: the next one is likely to be the same. */
    public Job like;
  }

  /** The file {@code job}. */
  public static final class Assignment {
    /** The location of the job; null when the driver is to leave. */
    public String spec;

    /**
     * Files that only driver and executors may read, by the system property of their place here.
     */
    public Map<String, String> files = Map.of();
  }

  private final Path folder;
  private final Configuration configuration = new Configuration();
  private final Description description;

  private Standby(String folder) throws IOException {
    this.folder = new Path(folder);
    this.description = Job.read(folder + "/" + DESCRIPTION, Description.class);
  }

  /** The standby that an argument asks for; null when it is the location of a job. */
  static Standby of(String argument) throws IOException {
    return argument.startsWith(SCHEME) ? new Standby(argument.substring(SCHEME.length())) : null;
  }

  /**
   * Does the work of the likely job on some rows of its inputs, or without rows where they are
   * gone, so that driver and executors have loaded and compiled their classes. Whether that
   * succeeds does not matter: the job starts in a colder JVM then.
   */
  void warmUp(SparkSession spark) {
    Path warm = new Path(folder, "warm");
    try {
      if (SqlSplitter.split(description.like.sql).stream().allMatch(Standby::isView)) {
        SparkSession session = spark.newSession();
        Runner.run(session, sampled(session, description.like, warm));
      }
    } catch (Exception | OutOfMemoryError unlikely) {
      System.err.println("the warm-up failed: " + unlikely);
    }
    // All sessions share their cached rows, and a view without inputs would be read from there.
    spark.catalog().clearCache();
    try {
      files().delete(warm, true);
      create("ready", "");
    } catch (IOException unlikely) {
      System.err.println("the folder of the driver cannot be written: " + unlikely);
    }
  }

  static boolean isView(String statement) {
    return VIEW.matcher(statement).matches();
  }

  /** Warms up until the job is there, and takes its claim. Returns null when there is none. */
  Job await(SparkSession spark) throws IOException, InterruptedException {
    Thread warming = new Thread(() -> warmUp(spark), "sluice-warm-up");
    warming.start();
    Path decided = new Path(folder, "job");
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(description.idleSeconds);
    boolean isOver = false;
    while (!isOver && !files().exists(decided)) {
      Thread.sleep(POLL_MS);
      isOver =
          !files().exists(new Path(folder, DESCRIPTION))
              || (System.nanoTime() > deadline && create("job", "{}"));
    }
    // A job must not wait for work that is done in case it comes.
    while (warming.isAlive()) {
      spark.sparkContext().cancelAllJobs();
      warming.join(CANCEL_INTERVAL_MS);
    }
    if (isOver) {
      return null;
    }
    Assignment assigned = Job.read(decided.toString(), Assignment.class);
    if (assigned.spec == null) {
      return null;
    }
    Job job = Job.read(assigned.spec);
    new Claim(job, configuration).take();
    for (Map.Entry<String, String> file : assigned.files.entrySet()) {
      copy(new Path(file.getValue()), secret(file.getKey()));
    }
    return job;
  }

  /** Removes the passwords that came with the job. */
  void close() throws IOException {
    files().delete(new Path(folder, "secret"), true);
  }

  /** The place of a secret file, which a property of the JVMs has named since their start. */
  private Path secret(String property) {
    return new Path(folder, "secret/" + property);
  }

  private void copy(Path from, Path to) throws IOException {
    FsPermission mine = new FsPermission(FsAction.READ_WRITE, FsAction.NONE, FsAction.NONE);
    try (InputStream in = from.getFileSystem(configuration).open(from);
        OutputStream out = FileSystem.create(files(), to, mine)) {
      in.transferTo(out);
    }
  }

  /** The same job over snapshots with few rows; its outputs are Parquet in the folder. */
  private static Job sampled(SparkSession spark, Job like, Path folder) throws IOException {
    Job job = new Job();
    job.key = "standby";
    job.result = folder + "/result.json";
    job.quarantine = folder + "/quarantine";
    job.sql = like.sql;
    job.partitions = like.partitions;
    job.inputs = new ArrayList<>();
    for (Job.Input input : like.inputs) {
      Job.Input few = new Job.Input();
      few.name = input.name;
      few.kind = "kept";
      few.columns = asSnapshot(input);
      few.paths = List.of(folder + "/" + job.inputs.size());
      sample(spark, input, Inputs.schemaOf(few.columns)).write().parquet(few.paths.get(0));
      job.inputs.add(few);
    }
    job.outputs = new ArrayList<>();
    Set<String> views = new LinkedHashSet<>();
    like.outputs.forEach(output -> views.add(output.view));
    for (String view : views) {
      Job.Output output = new Job.Output();
      output.view = view;
      output.kind = "parquet";
      output.place = folder + "/out-" + job.outputs.size();
      job.outputs.add(output);
    }
    return job;
  }

  /** The first rows of a snapshot, while it exists; none of other inputs, nor of removed files. */
  private static Dataset<Row> sample(SparkSession spark, Job.Input input, StructType schema)
      throws IOException {
    for (String path : input.kind.equals("kept") ? input.paths : List.<String>of()) {
      Path file = new Path(path);
      if (file.getFileSystem(spark.sparkContext().hadoopConfiguration()).exists(file)) {
        return spark.read().schema(schema).parquet(path).limit(ROWS);
      }
    }
    return spark.createDataFrame(List.of(), schema).coalesce(1);
  }

  /** The columns of an input as its snapshot would have them. */
  private static List<Job.Column> asSnapshot(Job.Input input) {
    if (input.kind.equals("kept")) {
      return input.columns;
    }
    List<Job.Column> columns = new ArrayList<>(input.columns);
    for (String name : List.of(ValidatedInput.REASON, ValidatedInput.RAW)) {
      Job.Column own = new Job.Column();
      own.name = name;
      own.type = "STRING";
      columns.add(own);
    }
    return columns;
  }

  /** Creates a file of the folder. False when it exists. */
  private boolean create(String name, String content) throws IOException {
    return Claim.create(new Path(folder, name), content, configuration);
  }

  private FileSystem files() throws IOException {
    return folder.getFileSystem(configuration);
  }
}
