package sluice.runner;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.adaptive.AdaptiveSparkPlanExec;
import org.apache.spark.sql.execution.adaptive.QueryStageExec;
import org.apache.spark.sql.execution.columnar.InMemoryTableScanExec;
import org.apache.spark.sql.execution.exchange.ReusedExchangeExec;
import org.apache.spark.util.AccumulatorV2;
import scala.Option;
import scala.collection.Seq;

/**
 * Detects joins that multiply rows, from the metrics of a computed view. If the key is unique on
 * one side, an inner join has at most as many rows as the other side. An outer join has at most as
 * many as both together. More rows prove that the key is unique on neither side.
 */
final class FanOutDetector {
  private static final String ROWS = "numOutputRows";
  private static final long ENDLESS = Long.MAX_VALUE / 4;
  private static final Pattern KEYS = Pattern.compile("^\\w+ \\[([^\\]]+)\\]");
  private static final Pattern EXPRESSION_ID = Pattern.compile("#\\d+L?");

  private final List<Result.Join> multiplied = new ArrayList<>();

  /** The joins of a cached and computed view, without those of cached views that it reads. */
  static List<Result.Join> multiplied(Dataset<Row> view) {
    FanOutDetector detector = new FanOutDetector();
    SparkPlan plan = view.queryExecution().executedPlan();
    while (!(plan instanceof InMemoryTableScanExec)) {
      List<SparkPlan> children = childrenOf(plan);
      if (children.size() != 1) {
        return detector.multiplied;
      }
      plan = children.get(0);
    }
    detector.visit(((InMemoryTableScanExec) plan).relation().cachedPlan());
    return detector.multiplied;
  }

  private void visit(SparkPlan plan) {
    List<SparkPlan> children = childrenOf(plan);
    children.forEach(this::visit);
    Long rows = rowCount(plan);
    if (children.size() != 2 || rows == null || !plan.nodeName().matches(".*(Join|Product).*")) {
      return;
    }
    String description = plan.simpleString(Integer.MAX_VALUE);
    Result.Join join = new Result.Join();
    Matcher keys = KEYS.matcher(description);
    join.on = keys.find() ? EXPRESSION_ID.matcher(keys.group(1)).replaceAll("") : null;
    join.left = maximumRows(children.get(0));
    join.right = maximumRows(children.get(1));
    join.rows = rows;
    long maximum =
        description.matches("(?s).*\\b(Inner|Cross)\\b.*")
            ? Math.max(join.left, join.right)
            : join.left + join.right;
    if (rows > maximum) {
      multiplied.add(join);
    }
  }

  /** The rows of a plan, or an upper bound where Spark does not count them. */
  private static long maximumRows(SparkPlan plan) {
    Long own = rowCount(plan);
    if (own != null) {
      return own;
    }
    List<SparkPlan> children = childrenOf(plan);
    return children.isEmpty()
        ? ENDLESS
        : children.stream()
            .mapToLong(FanOutDetector::maximumRows)
            .reduce(0, (a, b) -> Math.min(a + b, ENDLESS));
  }

  private static Long rowCount(SparkPlan plan) {
    Option<?> metric = plan.metrics().get(ROWS);
    return metric.isEmpty()
        ? null
        : ((Number) ((AccumulatorV2<?, ?>) metric.get()).value()).longValue();
  }

  private static List<SparkPlan> childrenOf(SparkPlan plan) {
    if (plan instanceof AdaptiveSparkPlanExec) {
      return List.of(((AdaptiveSparkPlanExec) plan).executedPlan());
    }
    if (plan instanceof QueryStageExec) {
      return List.of(((QueryStageExec) plan).plan());
    }
    if (plan instanceof ReusedExchangeExec) {
      return List.of(((ReusedExchangeExec) plan).child());
    }
    List<SparkPlan> children = new ArrayList<>();
    Seq<?> all = childrenSeq(plan);
    for (int i = 0; i < all.length(); i++) {
      children.add((SparkPlan) all.apply(i));
    }
    return children;
  }

  /** The sequence type of this method differs between the two Scala versions. */
  private static Seq<?> childrenSeq(SparkPlan plan) {
    try {
      Method children = SparkPlan.class.getMethod("children");
      return (Seq<?>) children.invoke(plan);
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException(error);
    }
  }
}
