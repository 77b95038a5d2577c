package sluice.runner;

/** A job that cannot be done as described; its code is what the controller knows the reason by. */
final class Rejection extends RuntimeException {
  Rejection(String code, String message) {
    super("[" + code + "] " + message);
  }
}
