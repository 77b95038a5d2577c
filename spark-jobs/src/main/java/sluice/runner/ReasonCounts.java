package sluice.runner;

import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.util.AccumulatorV2;

/** Counts rows by their reason while they are written. */
final class ReasonCounts extends AccumulatorV2<String, Map<String, Long>> {
  private final Map<String, Long> counts = new TreeMap<>();

  @Override
  public boolean isZero() {
    return counts.isEmpty();
  }

  @Override
  public ReasonCounts copy() {
    ReasonCounts copy = new ReasonCounts();
    copy.merge(this);
    return copy;
  }

  @Override
  public void reset() {
    counts.clear();
  }

  @Override
  public synchronized void add(String reason) {
    counts.merge(reason, 1L, Long::sum);
  }

  @Override
  public void merge(AccumulatorV2<String, Map<String, Long>> other) {
    other.value().forEach((reason, rows) -> counts.merge(reason, rows, Long::sum));
  }

  @Override
  public synchronized Map<String, Long> value() {
    return new TreeMap<>(counts);
  }
}
