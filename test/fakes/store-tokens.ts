import type { Audited, AuditStore } from '../../controller/domain/ports/audit.ts';
import type { ApiToken, TokenStore } from '../../controller/domain/ports/tokens.ts';

/** API tokens in memory, a part of the fake store: a function of the project. */
export function memoryTokens(): (project: string) => TokenStore {
  const all = new Map<string, ApiToken>();
  return (project) => {
    const keyOf = (id: string): string => JSON.stringify([project, id]);
    const change = (id: string, to: (token: ApiToken) => Partial<ApiToken> | undefined): boolean => {
      const token = all.get(keyOf(id));
      const changed = token && to(token);
      if (token && changed) all.set(keyOf(id), { ...token, ...changed });
      return changed !== undefined;
    };
    return {
      async addToken(token) {
        if (all.has(keyOf(token.id))) throw new Error(`there is a token ${token.id} already`);
        all.set(keyOf(token.id), structuredClone(token));
      },
      token: async (id) => structuredClone(all.get(keyOf(id))),
      tokens: async () =>
        [...all]
          .filter(([key]) => JSON.parse(key)[0] === project)
          .map(([, token]) => structuredClone(token))
          .reverse(),
      async tokenUsed(id, at) {
        change(id, ({ used = 0 }) => (used > at - 60_000 ? undefined : { used: at }));
      },
      revokeToken: async (id, at) => change(id, ({ revoked }) => (revoked === undefined ? { revoked: at } : undefined)),
    };
  };
}

/** The audit log in memory, a part of the fake store: a function of the project. */
export function memoryAudit(): (project: string) => AuditStore {
  const all: (Audited & { readonly project: string })[] = [];
  return (project) => ({
    async recordAudit(entry) {
      all.push({ ...structuredClone(entry), number: all.length + 1, project });
    },
    audit: async ({ before = Number.POSITIVE_INFINITY, limit }) =>
      all
        .filter((each) => each.project === project && each.number < before)
        .reverse()
        .slice(0, limit)
        .map(({ project: _, ...entry }) => entry),
  });
}
