/** A controller's name, HOST/PLACE/PID/STARTED/RANDOM, for people. */
export const spokenOwner = (owner: string): string => {
  const [host, , pid] = owner.split('/');
  return pid === undefined ? owner : `process ${pid} on ${host}`;
};

/** How a run came to its driver: from a controller that is gone, or from itself, when it had not reached the store for a lease. */
export function takeoverLine(by: string, from: string): string {
  const [who, before] = [spokenOwner(by), spokenOwner(from)];
  return who === before ? `${who} lost its lease and resumed` : `${who} took over the run of ${before}`;
}
