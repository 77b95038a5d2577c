package sluice.runner;

/** The rows of a view: every sink must have as many. */
final class Staged {
  private final String view;
  private String first;
  private long rows = -1;

  Staged(String view) {
    this.view = view;
  }

  /** The rows of the sinks so far; -1 before the first. */
  synchronized long rows() {
    return rows;
  }

  /** Adds the rows of a sink. Throws when another one has a different number. */
  synchronized void add(String sink, long count) {
    if (first == null) {
      first = sink;
      rows = count;
    } else if (count != rows) {
      throw differs(view, rows, "as " + first, count, "as " + sink);
    }
  }

  /** The error of two counts of the same rows; the controller audits the others likewise. */
  static JobException differs(String name, long rows, String how, long others, String otherwise) {
    return new JobException(
        "AUDIT", name + ": " + rows + " rows " + how + ", but " + others + " " + otherwise);
  }
}
