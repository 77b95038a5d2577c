/** A controller's name, HOST/PLACE/PID/STARTED/RANDOM, for people. */
export const formatOwner = (owner: string): string => {
  const [host, , pid] = owner.split('/');
  return pid === undefined ? owner : `process ${pid} on ${host}`;
};

/** How a controller came to own a run: from another controller, or again after its own lease had expired. */
export function takeoverLine(by: string, from: string): string {
  const [who, before] = [formatOwner(by), formatOwner(from)];
  return who === before ? `${who} lost its lease and resumed` : `${who} took over the run of ${before}`;
}
