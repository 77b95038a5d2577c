import type { DuckRow } from '../clients/duckdb.ts';
import type { Report } from '../domain/pipeline.ts';
import { visible } from '../lib/text.ts';

export type ChartKind = Report['charts'][number]['kind'];

const palette = ['#0b63ce', '#1a9e77', '#d97706', '#7c4dbd', '#c2414b', '#5b6772'];
/** More slices cannot be distinguished, or drawn in time. */
const mostSlices = 100;
const size = { width: 560, height: 300 };

/**
 * A chart as SVG text. The first column of the rows is the axis or the slices' names, every other one a series.
 * `others` labels the merged small slices of a pie. The values of a zoomed one begin near the least of them, not at 0.
 */
export async function chartSvg(
  kind: ChartKind,
  rows: readonly DuckRow[],
  others: string,
  isZoomed = false,
): Promise<string> {
  const echarts = await import('echarts');
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, ...size });
  try {
    chart.setOption({
      animation: false,
      color: palette,
      textStyle: { fontFamily: 'inherit' },
      ...(kind === 'pie' ? pie(rows, others) : axes(kind, rows, isZoomed)),
    });
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

const columnsOf = (rows: readonly DuckRow[]): string[] => Object.keys(rows[0] ?? {});

/** Lines run from left to right. Bars are horizontal, so that long names can be read. */
function axes(kind: 'line' | 'bar', rows: readonly DuckRow[], isZoomed: boolean): object {
  const [axis = '', ...series] = columnsOf(rows);
  const names = { type: 'category', data: rows.map((row) => visible(String(row[axis]))) };
  const values = { type: 'value', scale: isZoomed, axisLabel: { formatter: short } };
  const top = series.length > 1 ? 36 : 16;
  return {
    grid: kind === 'line' ? { left: 70, right: 16, top, bottom: 44 } : { left: 140, right: 30, top, bottom: 32 },
    legend: series.length > 1 ? { top: 0 } : undefined,
    xAxis: kind === 'line' ? { ...names, axisLabel: { hideOverlap: true } } : values,
    yAxis: kind === 'line' ? values : { ...names, inverse: true },
    series: series.map((name) => ({ name, type: kind, data: rows.map((row) => row[name]), barMaxWidth: 26 })),
  };
}

function pie(rows: readonly DuckRow[], others: string): object {
  const [name = '', value = ''] = columnsOf(rows);
  const slices = rows.map((row) => ({ name: visible(String(row[name])), value: Number(row[value]) }));
  const left = [...slices].sort((a, b) => b.value - a.value).slice(mostSlices - 1);
  const rest = { name: others, value: left.reduce((sum, slice) => sum + slice.value, 0) };
  const small = new Set(left);
  const data = left.length > 1 ? [...slices.filter((slice) => !small.has(slice)), rest] : slices;
  return { series: [{ type: 'pie', radius: ['42%', '72%'], data, label: { formatter: '{b}: {d}%' } }] };
}

/** 1 200 000 as 1.2M, so that the axis stays narrow. */
function short(value: number): string {
  if (Math.abs(value) >= 1e9) return `${Number((value / 1e9).toFixed(1))}B`;
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toFixed(1))}M`;
  if (Math.abs(value) >= 1e4) return `${Math.round(value / 1e3)}k`;
  return String(value);
}
