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
 * Notices joins that multiply rows, from what Spark itself counted while it computed a view. A join
 * by a key that one side has once makes at most as many rows as the other side has; an outer one,
 * as both have. More rows than that prove that neither side is unique by what they are joined on.
 */
final class Joins {
  private static final String ROWS = "numOutputRows";
  private static final long ENDLESS = Long.MAX_VALUE / 4;
  private static final Pattern KEYS = Pattern.compile("^\\w+ \\[([^\\]]+)\\]");
  private static final Pattern EXPRESSION_ID = Pattern.compile("#\\d+L?");

  private final List<Result.Join> multiplied = new ArrayList<>();

  /**
   * The joins of a view that was kept and computed; those of kept views that it reads are theirs.
   */
  static List<Result.Join> multiplied(Dataset<Row> view) {
    Joins joins = new Joins();
    SparkPlan plan = view.queryExecution().executedPlan();
    while (!(plan instanceof InMemoryTableScanExec)) {
      List<SparkPlan> below = below(plan);
      if (below.size() != 1) {
        return joins.multiplied;
      }
      plan = below.get(0);
    }
    joins.look(((InMemoryTableScanExec) plan).relation().cachedPlan());
    return joins.multiplied;
  }

  private void look(SparkPlan plan) {
    List<SparkPlan> below = below(plan);
    below.forEach(this::look);
    Long rows = counted(plan);
    if (below.size() != 2 || rows == null || !plan.nodeName().matches(".*(Join|Product).*")) {
      return;
    }
    String said = plan.simpleString(Integer.MAX_VALUE);
    Result.Join join = new Result.Join();
    Matcher keys = KEYS.matcher(said);
    join.on = keys.find() ? EXPRESSION_ID.matcher(keys.group(1)).replaceAll("") : null;
    join.left = atMost(below.get(0));
    join.right = atMost(below.get(1));
    join.rows = rows;
    long most =
        said.matches("(?s).*\\b(Inner|Cross)\\b.*")
            ? Math.max(join.left, join.right)
            : join.left + join.right;
    if (rows > most) {
      multiplied.add(join);
    }
  }

  /** The rows of a plan, or more where Spark does not count them. */
  private static long atMost(SparkPlan plan) {
    Long own = counted(plan);
    if (own != null) {
      return own;
    }
    List<SparkPlan> below = below(plan);
    return below.isEmpty()
        ? ENDLESS
        : below.stream().mapToLong(Joins::atMost).reduce(0, (a, b) -> Math.min(a + b, ENDLESS));
  }

  private static Long counted(SparkPlan plan) {
    Option<?> metric = plan.metrics().get(ROWS);
    return metric.isEmpty()
        ? null
        : ((Number) ((AccumulatorV2<?, ?>) metric.get()).value()).longValue();
  }

  private static List<SparkPlan> below(SparkPlan plan) {
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
    Seq<?> all = children(plan);
    for (int i = 0; i < all.length(); i++) {
      children.add((SparkPlan) all.apply(i));
    }
    return children;
  }

  /** The two Scala versions have this method with different types of sequences. */
  private static Seq<?> children(SparkPlan plan) {
    try {
      Method children = SparkPlan.class.getMethod("children");
      return (Seq<?>) children.invoke(plan);
    } catch (ReflectiveOperationException error) {
      throw new IllegalStateException(error);
    }
  }
}
