/** A controller's name, HOST/PLACE/PID/STARTED/RANDOM, for people. */
export const spokenOwner = (owner: string): string => {
  const [host, , pid] = owner.split('/');
  return pid === undefined ? owner : `process ${pid} on ${host}`;
};
