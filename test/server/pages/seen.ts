/** What the tests of pages look for in their texts. */
export const textOf = async (answer: Promise<Response>): Promise<string> => (await answer).text();

/** The part of a page with this id. */
export const part = (page: string, id: string): string =>
  new RegExp(`<section id="${id}".*?</section>`, 's').exec(page)?.[0] ?? '';

/** The address of the older entries. */
export const olderOf = (page: string): string | undefined =>
  /rel="next" href="([^"]+)"/.exec(page)?.[1]?.replaceAll('&amp;', '&');

/** The texts of the first cells of the rows of a part. */
export const firstCells = (page: string, id: string): string[] =>
  [...part(page, id).matchAll(/<th scope="row"[^>]*>(.*?)<\/th>/gs)].map(([, cell = '']) =>
    cell.replace(/<[^>]*>/g, ''),
  );
