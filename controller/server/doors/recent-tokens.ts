import type { ApiToken, TokenStore } from '../../domain/ports/tokens.ts';
import { SluiceError } from '../../lib/errors.ts';
import { within } from '../../lib/within.ts';

/** How long a token is remembered after its last use that the store has seen. Milliseconds. */
const rememberedMs = 10 * 60_000;
const mostTokens = 100;
/** How long the store may take to say. Milliseconds. */
const storeMs = 2000;

/**
 * Tokens that were right lately, as the store has them: with the hash of the secret alone. They open what has to answer
 * while the store is away. The store is asked first always, so one that it revokes is worth nothing once it is back.
 */
export class RecentTokens {
  private readonly known = new Map<string, { readonly token: ApiToken; readonly at: number }>();
  private readonly monotonic: () => number;

  constructor(monotonic: () => number = () => performance.now()) {
    this.monotonic = monotonic;
  }

  /** The tokens of the store, and of this memory while it is away. For one request. */
  over(tokens: TokenStore): TokenStore {
    let found: ApiToken | undefined;
    return {
      ...tokens,
      token: async (id) => {
        const asked = await within(
          storeMs,
          tokens.token(id).then(
            (token) => ({ token }),
            (error: unknown) => {
              if (error instanceof SluiceError && error.kind !== 'rejected') return undefined;
              throw error;
            },
          ),
        );
        if (!asked) return this.remembered(id);
        found = asked.token;
        if (!found || found.revoked !== undefined) this.known.delete(id);
        return found;
      },
      // Called once the secret was right, and the token has not ended.
      tokenUsed: async (id, at) => {
        if (!found) return;
        this.known.delete(id);
        this.known.set(id, { token: found, at: this.monotonic() });
        if (this.known.size > mostTokens) this.known.delete(this.known.keys().next().value ?? '');
        await within(storeMs, tokens.tokenUsed(id, at));
      },
    };
  }

  /** Throws when the token is not known well enough to be judged. */
  private remembered(id: string): ApiToken {
    const known = this.known.get(id);
    if (known && this.monotonic() - known.at < rememberedMs) return known.token;
    this.known.delete(id);
    throw new SluiceError('the run store cannot be reached', {
      kind: 'unavailable',
      hint: 'try again once it is back',
    });
  }
}
