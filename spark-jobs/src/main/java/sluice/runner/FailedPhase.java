package sluice.runner;

/** An error with the phase of the job in which it occurred. */
final class FailedPhase extends Exception {
  final String phase;

  FailedPhase(String phase, Throwable cause) {
    super("while " + phase, cause);
    this.phase = phase;
  }
}
