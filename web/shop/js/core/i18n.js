// The words of the pages: catalogues by language, plural forms, times and amounts as the language writes them.

/** The languages that have catalogues; the first is for everybody whose browser asks for none of them. */
const LANGUAGES = ['en', 'ru'];
const KEPT = 'comanda.language';

/** Reactive once Alpine has it: a template that shows a text follows the language. */
let state = { language: chosen(), words: {} };
const names = new Set();

function chosen() {
  const kept = read(KEPT);
  if (LANGUAGES.includes(kept)) return kept;
  const asked = (navigator.languages || [navigator.language]).map((tag) => tag.slice(0, 2).toLowerCase());
  return asked.find((tag) => LANGUAGES.includes(tag)) || LANGUAGES[0];
}

function read(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Hands the state to a framework that watches it. */
export function watchedBy(reactive) {
  state = reactive(state);
}

/** Gives the language in which the pages speak. */
export function language() {
  return state.language;
}

/** Loads a catalogue, such as `shop`, in the present language; the others come when they are chosen. */
export async function load(name) {
  names.add(name);
  const asked = state.language;
  const words = await catalogue(asked, name);
  if (asked === state.language) state.words = { ...state.words, ...words };
}

async function catalogue(tag, name) {
  // What the head of the page has begun to fetch is not fetched twice.
  const early = globalThis.comandaEarly?.[`${tag}/${name}`];
  if (early) return early;
  const response = await fetch(`/i18n/${tag}/${name}.json`);
  return response.json();
}

/** Changes the language of the pages on this device. */
export async function choose(tag) {
  if (!LANGUAGES.includes(tag) || tag === state.language) return;
  const loaded = await Promise.all([...names].map((name) => catalogue(tag, name)));
  try {
    localStorage.setItem(KEPT, tag);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  state.words = Object.assign({}, ...loaded);
  state.language = tag;
  document.documentElement.lang = tag;
  dispatchEvent(new CustomEvent('language', { detail: tag }));
}

/**
 * Gives the text of a key. `{name}` takes its value from `values`; a text with plural forms takes the form for `values.n`.
 * A key without a text shows itself, so that it is seen.
 */
export function t(key, values = {}) {
  let text = state.words[key];
  if (text && typeof text === 'object') text = text[plural(Number(values.n))] ?? text.other;
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? number(value) : String(value);
  });
}

/** Tells whether there is a text for a key. */
export function has(key) {
  return state.words[key] !== undefined;
}

const made = new Map();

/** Gives a maker of texts of the language, such as a `NumberFormat`. Making one is dear on a slow phone, so each is made once. */
export function maker(kind, options = {}) {
  const key = `${state.language} ${kind} ${JSON.stringify(options)}`;
  if (!made.has(key)) made.set(key, new Intl[kind](state.language, options));
  return made.get(key);
}

function plural(n) {
  return maker('PluralRules').select(n);
}

/** Writes a number. */
export function number(value, options = {}) {
  return maker('NumberFormat', options).format(value);
}

/** Joins words: “a, b and c”. */
export function list(words) {
  return maker('ListFormat', { style: 'long', type: 'conjunction' }).format(words);
}

/** Picks the text of a map of languages: `{en: …, ru: …}`. */
export function named(texts) {
  if (!texts) return '';
  return texts[state.language] ?? texts.en ?? Object.values(texts)[0] ?? '';
}

/** Writes the time of day of a moment; by the clock of a zone, or else of the reader. */
export function clock(at, timeZone = undefined) {
  return maker('DateTimeFormat', { hour: 'numeric', minute: '2-digit', timeZone }).format(new Date(at));
}

/** Writes the name of a day of the week, Monday being 0. */
export function weekday(index) {
  return maker('DateTimeFormat', { weekday: 'long', timeZone: 'UTC' }).format(Date.UTC(2024, 0, 1 + index));
}

/** Writes a day, with the time where asked for; the year when it is not this one, or where it is asked for, as on paper. */
export function day(at, withTime = false, withYear = false) {
  const date = new Date(at);
  const options = { day: 'numeric', month: 'long' };
  if (withYear || date.getFullYear() !== new Date().getFullYear()) options.year = 'numeric';
  if (withTime) Object.assign(options, { hour: 'numeric', minute: '2-digit' });
  return maker('DateTimeFormat', options).format(date);
}

/** Writes a moment: the time alone when it is today's. */
export function moment(at) {
  return new Date(at).toDateString() === new Date().toDateString() ? t('today', { at: clock(at) }) : day(at, true);
}

/** Writes a span of time for people: minutes from one minute on, seconds below. */
export function span(ms) {
  const unit = ms >= 60000 ? 'minute' : 'second';
  const count = Math.max(0, unit === 'minute' ? Math.round(ms / 60000) : Math.ceil(ms / 1000));
  return number(count, { style: 'unit', unit, unitDisplay: 'short' });
}

/** Folds a text for finding: case and accents do not matter, ё is е. */
export function folded(text) {
  return text.toLocaleLowerCase(state.language).replaceAll('ё', 'е').normalize('NFD').replace(/\p{M}/gu, '').normalize('NFC');
}
