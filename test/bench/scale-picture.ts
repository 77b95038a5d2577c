import { init } from 'echarts';
import { summary } from './compare.ts';
import { peakOf } from './peaks.ts';
import { type Engine, engines, type ScaleRun } from './scale.ts';

/** The median of a figure over the runs of an engine, by rows. */
function curve(runs: readonly ScaleRun[], engine: Engine, figure: (run: ScaleRun) => number): [number, number][] {
  const sizes = [...new Set(runs.filter((run) => run.engine === engine).map(({ rows }) => rows))];
  return sizes.map((rows) => {
    const own = runs.filter((run) => run.engine === engine && run.rows === rows);
    return [rows, summary(own.map(figure)).median];
  });
}

const names: Readonly<Record<Engine, string>> = { spark: 'Spark', embedded: 'embedded engine' };
const colours: Readonly<Record<Engine, string>> = { spark: '#d97706', embedded: '#0b63ce' };

/** Time and memory of both engines by the number of rows, as SVG text; both axes are logarithmic. */
export function scalePicture(runs: readonly ScaleRun[]): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: 900, height: 380 });
  const axis = (title: string, gridIndex: number): object => ({
    type: 'log',
    name: title,
    nameLocation: 'middle',
    gridIndex,
    minorSplitLine: { show: false },
    axisLabel: { formatter: short },
  });
  const series = (i: number, engine: Engine, what: string, dashed: boolean, figure: (run: ScaleRun) => number) => ({
    name: `${names[engine]}, ${what}`,
    type: 'line',
    xAxisIndex: i,
    yAxisIndex: i,
    data: curve(runs, engine, figure),
    itemStyle: { color: colours[engine] },
    lineStyle: { color: colours[engine], type: dashed ? 'dashed' : 'solid' },
  });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    legend: { bottom: 0, itemGap: 40 },
    grid: [
      { left: 60, width: 370, top: 24, bottom: 100 },
      { left: 510, width: 370, top: 24, bottom: 100 },
    ],
    xAxis: [0, 1].map((i) => ({ ...axis('rows', i), min: Math.min(...runs.map(({ rows }) => rows)), nameGap: 28 })),
    yAxis: [
      { ...axis('seconds', 0), nameGap: 40 },
      { ...axis('peak of all processes, MiB', 1), nameGap: 44 },
    ],
    series: engines.flatMap((engine) => [
      series(0, engine, 'the whole run', false, ({ whole }) => whole),
      series(0, engine, 'the job alone', true, ({ job }) => job),
      series(1, engine, 'the whole run', false, ({ peaks }) => peakOf(peaks)),
    ]),
  });
  try {
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

/** 1 000 000 as 1M. */
const short = (value: number): string =>
  value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : String(value);
