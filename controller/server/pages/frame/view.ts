import type { Scope } from '../../../domain/ports/tokens.ts';
import { grants } from '../../doors/authenticate.ts';
import { cookieOf } from '../../doors/session.ts';
import type { Api } from '../../http/api.ts';
import type { Principal } from '../../http/route.ts';
import { type PageLanguage, type PageWords, pageWords } from '../words/words.ts';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];
/** In which zone the module shows times; without it they are in UTC. */
export const clocks = ['local', 'utc'] as const;
export type Clock = (typeof clocks)[number];
export const preferenceCookies = { language: 'sluice-language', theme: 'sluice-theme', clock: 'sluice-clock' } as const;

/** Who looks at a page, and how. */
export interface View {
  readonly t: PageWords;
  readonly language: PageLanguage;
  readonly theme: Theme;
  readonly clock: Clock;
  readonly project: string;
  /** Undefined before the login. */
  readonly principal: Principal | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The page's own address, without what it said once. */
  readonly here: string;
  can(scope: Scope): boolean;
}

/** The view of a request. */
export function viewOf(
  headers: Headers,
  url: URL,
  api: Pick<Api, 'project' | 'now'>,
  principal: Principal | undefined,
): View {
  const language = languageOf(headers);
  const theme = cookieOf(headers, preferenceCookies.theme);
  const query = new URLSearchParams(url.searchParams);
  query.delete('notice');
  return {
    t: pageWords[language],
    language,
    clock: cookieOf(headers, preferenceCookies.clock) === 'utc' ? 'utc' : 'local',
    theme: themes.find((each) => each === theme) ?? 'auto',
    project: api.project,
    principal,
    now: api.now(),
    here: `${url.pathname}${query.size > 0 ? `?${query}` : ''}`,
    can: (scope) => principal !== undefined && grants(principal, scope),
  };
}

/** The chosen language, else the one that the browser prefers of those there are, else English. */
function languageOf(headers: Headers): PageLanguage {
  const isKnown = (name: string): name is PageLanguage => Object.hasOwn(pageWords, name);
  const chosen = cookieOf(headers, preferenceCookies.language) ?? '';
  if (isKnown(chosen)) return chosen;
  const wanted = (headers.get('accept-language') ?? '').slice(0, 500).split(',');
  const known = wanted.flatMap((each) => {
    const [tag = '', ...parameters] = each.trim().toLowerCase().split(';');
    const name = tag.split('-')[0] ?? '';
    const weight = Number(/q=([\d.]+)/.exec(parameters.join(';'))?.[1] ?? 1);
    return isKnown(name) && weight > 0 ? [{ name, weight }] : [];
  });
  return known.sort((a, b) => b.weight - a.weight)[0]?.name ?? 'en';
}

/** A path of this server as it was asked for; the overview for anything else. */
export function ownPath(given: string | undefined): string {
  if (given === undefined || !/^\/(?![/\\])[^\p{Cc}\\]*$/u.test(given) || given.length > 2000) return '/';
  const url = URL.canParse(given, 'http://here') ? new URL(given, 'http://here') : undefined;
  // Dots in a path can leave two slashes at its beginning, which are another host.
  return url?.host === 'here' && !url.pathname.startsWith('//') ? `${url.pathname}${url.search}` : '/';
}
