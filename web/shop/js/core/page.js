// What every page does first: the words, the theme, the helpers that templates use; then Alpine starts.

import Alpine from '../../vendor/alpine-csp.js';
import * as i18n from './i18n.js';
import { money, show } from './money.js';

const THEME = 'comanda.theme';
/** Light or dark: the person's choice on this device, else what the system asks for. */
const THEMES = ['auto', 'light', 'dark'];

/**
 * Starts a page. `words` are its catalogues, `parts` its components by name (for `x-data`), `first` what is worth a moment's wait.
 * Templates get `$t(key, values)`, `$named(texts)`, `$money(amount)`, `$cash(minor, currency)`, `$clock(at)`, `$day(at, withTime, withYear)`, `$moment(at)`, `$span(ms)`.
 */
export async function start({ words, parts, first }) {
  i18n.watchedBy(Alpine.reactive);
  const helpers = { t: i18n.t, named: i18n.named, money, cash: show, clock: i18n.clock, day: i18n.day, moment: i18n.moment, span: i18n.span, list: i18n.list };
  for (const [name, helper] of Object.entries(helpers)) Alpine.magic(name, () => helper);
  Alpine.data('prefs', prefs);
  for (const [name, part] of Object.entries(parts)) Alpine.data(name, part);
  await Promise.all(words.map((name) => i18n.load(name)));
  if (first) await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 500))]);
  titled();
  addEventListener('language', titled);
  Alpine.start();
  document.documentElement.classList.add('ready');
  if ('serviceWorker' in navigator && isSecureContext) navigator.serviceWorker.register('/sw.js').catch(() => {});
}

/** The page's title comes from the catalogue: `<html data-title="key">`. */
function titled() {
  const key = document.documentElement.dataset.title;
  if (key) document.title = i18n.t(key);
}

/** Makes a choice and keeps it. */
function setTheme(word) {
  try {
    if (word === 'auto') localStorage.removeItem(THEME);
    else localStorage.setItem(THEME, word);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  if (word === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = word;
}

/** The switches for language and theme, as every page has them. */
function prefs() {
  return {
    theme: document.documentElement.dataset.theme || 'auto',
    get language() {
      return i18n.language();
    },
    speak(tag) {
      i18n.choose(tag);
    },
    nextTheme() {
      this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
      setTheme(this.theme);
    },
  };
}

/** Says something to those who listen to the page: the live region with the id `said` reads it out. */
export function say(text, urgent = false) {
  const region = document.getElementById(urgent ? 'said-now' : 'said');
  if (!region) return;
  region.textContent = '';
  setTimeout(() => (region.textContent = text), 60);
}

/** Keeps something on this device; gives whether it could. */
export function keep(name, value) {
  try {
    if (value === undefined || value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** Gives what was kept on this device. */
export function kept(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** Joins parts of a component into one; getters stay getters. */
export function mix(...parts) {
  return parts.reduce((whole, part) => Object.defineProperties(whole, Object.getOwnPropertyDescriptors(part)), {});
}

export { Alpine };
