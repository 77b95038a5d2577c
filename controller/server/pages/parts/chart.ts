import { type Html, raw } from '../../../lib/html.ts';
import { chartSvg } from '../../../report/chart.ts';

/** Declarations of a style as attributes, which the policy of pages allows. */
const attributes = (style: string): string =>
  style
    .split(';')
    .flatMap((each) => {
      const [name = '', value = ''] = each.split(':');
      return value === '' ? [] : [` ${name.trim()}="${value.trim()}"`];
    })
    .join('');

/**
 * A line over time as SVG without styles; those of the page colour it. `id` is unique on the page, `says` the text for
 * those who do not see it. Neither is from data.
 */
export async function lineChart(
  id: string,
  says: string,
  rows: readonly Record<string, string | number>[],
  isZoomed = false,
): Promise<Html> {
  const svg = await chartSvg('line', rows, '', isZoomed);
  return raw(
    svg
      .replace(/<style[\s\S]*?<\/style>/g, '')
      .replace(/ class="[^"]*"/g, '')
      .replace(/ style="([^"]*)"/g, (_, style: string) => attributes(style))
      .replace(/zr\d+-/g, `${id}-`)
      .replace('<svg ', `<svg role="img" aria-label="${says.replaceAll('"', '&quot;')}" `),
  );
}
