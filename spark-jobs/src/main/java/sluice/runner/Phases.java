package sluice.runner;

import java.util.Map;

/** Measures the phases of a job. Phases of several threads overlap. */
final class Phases {
  /** Work that may fail. */
  interface Work {
    void run() throws Exception;
  }

  private final Map<String, Double> seconds;

  Phases(Map<String, Double> seconds) {
    this.seconds = seconds;
  }

  /** Does the work, and adds its duration to the phase. Throws its error with the phase. */
  void run(String phase, Work work) throws FailedPhase {
    long started = System.nanoTime();
    try {
      work.run();
    } catch (Exception | OutOfMemoryError error) {
      throw new FailedPhase(phase, error);
    } finally {
      double took = Math.round((System.nanoTime() - started) / 1e6) / 1e3;
      synchronized (seconds) {
        seconds.merge(phase, took, Double::sum);
      }
    }
  }
}
