package sluice.runner;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.spark.SparkContext;
import org.apache.spark.sql.SparkSession;

/** Does phases of a job in threads. When one fails, the others are stopped. */
final class Tasks {
  /** The name of the threads, which a number follows. */
  static final String THREAD = "sluice-task-";

  /** Enough to keep the cluster busy while others plan or wait for a database. */
  private static final int THREADS = 4;

  private static final long CANCEL_INTERVAL_MS = 100;

  private final SparkSession spark;
  private final Phases phases;

  /** Spark's jobs of all threads. */
  private final String group = "sluice-" + UUID.randomUUID();

  private final AtomicInteger threads = new AtomicInteger();
  private final ExecutorService pool = Executors.newFixedThreadPool(THREADS, this::thread);
  private final List<CompletableFuture<Void>> all = new ArrayList<>();
  private final CompletableFuture<Void> failed = new CompletableFuture<>();

  Tasks(SparkSession spark, Phases phases) {
    this.spark = spark;
    this.phases = phases;
  }

  /** Starts a phase once others have succeeded. */
  CompletableFuture<Void> start(
      String phase, Phases.Work work, Collection<CompletableFuture<Void>> after) {
    CompletableFuture<Void> task =
        CompletableFuture.allOf(after.toArray(new CompletableFuture<?>[0]))
            .thenRunAsync(() -> run(phase, work), pool);
    all.add(task);
    return task;
  }

  private Thread thread(Runnable work) {
    return new Thread(work, THREAD + threads.incrementAndGet());
  }

  private void run(String phase, Phases.Work work) {
    if (failed.isDone()) {
      throw new CancellationException();
    }
    SparkSession.setActiveSession(spark);
    spark.sparkContext().setJobGroup(group, phase, false);
    try {
      phases.run(phase, work);
    } catch (FailedPhase error) {
      fail(error);
    } catch (RuntimeException | Error error) {
      fail(new FailedPhase(phase, error));
    }
  }

  private void fail(FailedPhase error) {
    failed.completeExceptionally(error);
    throw new CompletionException(error);
  }

  /** Waits for all phases. Throws the first error. */
  void finish() throws FailedPhase {
    try {
      CompletableFuture<Void> done =
          CompletableFuture.allOf(all.toArray(new CompletableFuture<?>[0]));
      CompletableFuture.anyOf(done, failed).join();
    } catch (CompletionException | CancellationException error) {
      if (error.getCause() instanceof FailedPhase) {
        throw (FailedPhase) error.getCause();
      }
      throw error;
    }
  }

  /** Stops what still runs, and waits for its end. */
  void close() throws InterruptedException {
    failed.cancel(false);
    pool.shutdownNow();
    SparkContext context = spark.sparkContext();
    // A thread may submit a job after the others were cancelled.
    while (!pool.awaitTermination(CANCEL_INTERVAL_MS, TimeUnit.MILLISECONDS)) {
      context.cancelJobGroup(group);
    }
    context.cancelJobGroup(group);
  }
}
