import type { KeptPipeline, Server, ServerStore } from '../../controller/domain/ports/servers.ts';
import type { ProofStore } from '../../controller/domain/ports/store.ts';
import { afterComparison, type Proof } from '../../controller/domain/proof.ts';

/** What servers tell each other, in memory, a part of the fake store: a function of the project. */
export function memoryServers(): (project: string, lives: (owner: string) => boolean) => ServerStore & ProofStore {
  const servers = new Map<string, Server>();
  const kept = new Map<string, KeptPipeline>();
  const proofs = new Map<string, Proof>();
  return (project, lives) => {
    const keyOf = (name: string): string => JSON.stringify([project, name]);
    return {
      announce: async (server) => {
        servers.set(keyOf(server.owner), structuredClone(server));
      },
      servers: async () =>
        [...servers]
          .filter(([key, { owner }]) => lives(owner) && JSON.parse(key)[0] === project)
          .map(([, server]) => structuredClone(server))
          .sort((a, b) => (a.owner < b.owner ? -1 : 1)),
      keepPipeline: async (of) => {
        kept.set(keyOf(of.file), structuredClone(of));
      },
      keptPipeline: async (file) => structuredClone(kept.get(keyOf(file))),
      proofs: async (pairs) => pairs.flatMap((pair) => structuredClone(proofs.get(keyOf(pair)) ?? [])),
      async compared(comparison) {
        const proof = afterComparison(proofs.get(keyOf(comparison.pair)), comparison);
        proofs.set(keyOf(comparison.pair), proof);
        return proof;
      },
    };
  };
}
