// The menu as the page has it: read once, read again now and then, searched and filtered here.

import { call } from '../core/api.js';
import { folded, has, named, t } from '../core/i18n.js';

/** Reads the menu; an unchanged one costs no body, because the browser keeps it with its tag. */
export async function read() {
  const early = globalThis.comandaEarly?.['/v1/menu'];
  if (early) {
    delete globalThis.comandaEarly['/v1/menu'];
    return early.catch(() => call('/v1/menu', { cache: 'no-cache' }));
  }
  return call('/v1/menu', { cache: 'no-cache' });
}

/** Finds an item by its short name. */
export function item(menu, slug) {
  return menu.items.find((one) => one.slug === slug && !one.retired);
}

/** Finds a size of an item. */
export function variant(found, size) {
  return found?.variants.find((one) => one.size === size);
}

/** Gives what can be added to an item. */
export function extras(menu, found) {
  return menu.options.filter((option) => option.categories.includes(found.category));
}

/** Says a size in words; a thing of one size needs none. */
export function sizeWords(size) {
  if (size === 'unit') return '';
  return has(`size.${size}`) ? t(`size.${size}`) : size;
}

/** Tells whether an item can be had in any size. */
export function there(found) {
  return found.available && found.variants.some((one) => !one.sold_out);
}

/** What a guest may narrow the menu down to. What is not said of a dish is not promised: to some, nuts are no matter of taste. */
export const FILTERS = {
  vegetarian: (found) => found.kind === 'dish' && (found.attributes.vegetarian === true || found.category === 'veggie'),
  mild: (found) => found.kind === 'dish' && found.attributes.spicy === false,
  spicy: (found) => found.attributes.spicy === true,
  nutless: (found) => found.attributes.nuts === false,
};

/** What is left of a word without its last ending: who looks for mushrooms means a dish with a mushroom, too. */
function stem(word) {
  return word.length > 3 ? word.replace(/(?:[аеиоуыюя]|s)$/, '') : word;
}

/** Words that mean the same to a guest, each with the others: the catalogue names them as “rocket arugula; …”. */
function sames() {
  const groups = t('search.same').split(';').map((group) => folded(group).split(/\s+/).filter(Boolean).map(stem));
  return new Map(groups.flatMap((group) => group.map((word) => [word, group.filter((other) => other !== word)])));
}

/** Gives the categories with what is left of them after search and filters; empty ones are left out. */
export function narrowed(menu, text, filters) {
  const words = folded(text).split(/\s+/).filter(Boolean).map(stem);
  const same = words.length ? sames() : new Map();
  const fits = (found) => {
    if (found.retired || !filters.every((name) => FILTERS[name](found))) return false;
    if (!words.length) return true;
    const own = folded(Object.values(found.name).concat(Object.values(found.description)).join(' '));
    return words.every((word) => [word, ...(same.get(word) || [])].some((one) => own.includes(one)));
  };
  const order = (a, b) => Number(there(b)) - Number(there(a)) || named(a.name).localeCompare(named(b.name));
  return menu.categories
    .map((category) => ({ category, items: menu.items.filter((found) => found.category === category.slug && fits(found)).sort(order) }))
    .filter((group) => group.items.length);
}

/** Where the picture of an item lies. */
export function picture(slug) {
  return `/img/dishes/${encodeURIComponent(slug)}.svg`;
}
