package sluice.runner;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.nio.file.StandardOpenOption;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.LocalFileSystem;
import org.apache.hadoop.fs.Path;

/**
 * The right to execute a job. It belongs to the first creator of the claim file: a driver, or the
 * controller that fences off the job. A duplicate submission, or one that arrives late, ends here.
 */
final class Claim {
  private final Job job;
  private final Configuration configuration;

  Claim(Job job, Configuration configuration) {
    this.job = job;
    this.configuration = configuration;
  }

  /** Takes the claim. Throws when another process has it. */
  void take() throws IOException {
    if (job.claim == null) {
      return;
    }
    if (!create(new Path(job.claim), "driver", configuration)) {
      throw new JobException(
          "CLAIMED", job.key + " was begun or barred before; this driver leaves");
    }
  }

  /** Creates a file. Of concurrent callers, one succeeds; false for the others. */
  static boolean create(Path path, String content, Configuration configuration) throws IOException {
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    FileSystem files = path.getFileSystem(configuration);
    try {
      if (files instanceof LocalFileSystem) {
        // Hadoop checks and creates in two steps; the operating system does both atomically.
        URI uri = files.makeQualified(path).toUri();
        Files.write(Paths.get(uri.getPath()), bytes, StandardOpenOption.CREATE_NEW);
        return true;
      }
      try (FSDataOutputStream out = files.create(path, false)) {
        out.write(bytes);
      }
      return true;
    } catch (FileAlreadyExistsException | org.apache.hadoop.fs.FileAlreadyExistsException taken) {
      return false;
    }
  }

  /** Throws when the controller has fenced off the job. Call it before every write. */
  void check() throws IOException {
    if (job.revoked == null) {
      return;
    }
    Path path = new Path(job.revoked);
    if (path.getFileSystem(configuration).exists(path)) {
      throw new JobException("REVOKED", job.key + " was given up; nothing more is written");
    }
  }
}
