package sluice.runner;

/** The job cannot be executed as described. The controller recognizes the reason by its code. */
final class JobException extends RuntimeException {
  JobException(String code, String message) {
    super("[" + code + "] " + message);
  }
}
