import { frame } from './en/frame.ts';
import { places } from './en/places.ts';
import { run } from './en/run.ts';
import type { Texts } from './en/texts.ts';
import { frame as ruFrame } from './ru/frame.ts';
import { places as ruPlaces } from './ru/places.ts';
import { run as ruRun } from './ru/run.ts';

const en = { ...frame, ...run, ...places };
const ru: Texts<typeof en> = { ...ruFrame, ...ruRun, ...ruPlaces };

/** All texts of the pages in one language. */
export type PageWords = Texts<typeof en>;

export const pageWords = { en, ru } satisfies Readonly<Record<string, PageWords>>;
export type PageLanguage = keyof typeof pageWords;
export const languages = ['en', 'ru'] as const satisfies readonly PageLanguage[];
export const languageNames: Readonly<Record<PageLanguage, string>> = { en: 'English', ru: 'Русский' };

/** What a form has done, for the page after it. */
export type Notice = keyof typeof en.notices;
export const notices = Object.keys(en.notices) as [Notice, ...Notice[]];
