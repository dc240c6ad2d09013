// The menu page, which is looking, choosing, the cart and the checkout. Here is the looking: the menu is read, kept fresh while
// somebody looks, searched and filtered.

import { language, t } from '../core/i18n.js';
import { mix, say, start } from '../core/page.js';
import { checkout } from './checkout.js';
import { choosing } from './choosing.js';
import { orders } from './device.js';
import { hoursText, open } from './hours.js';
import { extras, FILTERS, narrowed, picture, read, there } from './menu.js';

/** How old a menu may be while somebody looks at it. */
const FRESH_MS = 30000;
/** From this width on a screen shows what is found without being moved. */
const WIDE = 900;
/** For so long an order is led to from the menu. */
const LATELY_MS = 2 * 3600000;

/** The menu that the page began to fetch, as soon as it is there. */
let begun = null;
const asked = read();
const first = asked.then((menu) => (begun = whole(menu))).catch(() => {});

/** A menu changes as a whole only, and there is a lot of it: frozen, it is not watched piece by piece. */
function whole(menu) {
  return Object.freeze(menu);
}

/** What was found last, and in what. */
let seen = { by: [], groups: [] };

function browsing() {
  return {
    menu: begun,
    trouble: false,
    text: '',
    filters: [],
    filterNames: Object.keys(FILTERS),
    readAt: begun ? Date.now() : 0,
    /** What is painted first; the rest follows when the browser has nothing better to do. */
    atFirst: innerWidth < WIDE ? 2 : 4,

    async init() {
      if (!this.menu) await this.take(asked);
      this.watchCart();
      const later = globalThis.requestIdleCallback || setTimeout;
      requestAnimationFrame(() => later(() => (this.atFirst = 0)));
      if (location.hash === '#cart') this.openCheckout();
      setInterval(() => document.visibilityState === 'visible' && this.refresh(), FRESH_MS);
      document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && Date.now() - this.readAt > FRESH_MS && this.refresh());
    },

    /** Reads the menu again; an old one is better than none. */
    refresh() {
      return this.take(read());
    },
    async take(menu) {
      try {
        this.menu = whole(await menu);
        this.readAt = Date.now();
        this.trouble = false;
      } catch {
        this.trouble = !this.menu;
      }
    },

    /** Asked for by many a template, and made once for what it depends on. */
    get all() {
      if (!this.menu) return [];
      const by = [this.menu, this.text, this.filters, language()];
      if (!by.every((one, place) => one === seen.by[place])) seen = { by, groups: narrowed(...by) };
      return seen.groups;
    },
    get groups() {
      return this.atFirst ? this.all.slice(0, 1).map((group) => ({ ...group, items: group.items.slice(0, this.atFirst) })) : this.all;
    },
    get found() {
      return this.all.reduce((sum, group) => sum + group.items.length, 0);
    },
    get narrowing() {
      return Boolean(this.text.trim() || this.filters.length);
    },
    get hours() {
      return this.menu ? hoursText(this.menu.shop) : '';
    },
    get isOpen() {
      return !this.menu || open(this.menu.shop).now;
    },

    /** The last order of this device while it may still be on its way: whoever comes back looks for it first. */
    get lately() {
      const last = orders()[0];
      return last && Date.now() - Date.parse(last.at) < LATELY_MS ? last : null;
    },

    isOn(name) {
      return this.filters.includes(name);
    },
    toggle(name) {
      this.filters = this.isOn(name) ? this.filters.filter((other) => other !== name) : [...this.filters, name];
      this.tellFound();
    },
    /** What is found is brought into sight: on a phone the keys cover it where the search stands first, and a long way down it is above. */
    toFound() {
      const top = this.$refs.hero.offsetTop + this.$refs.hero.offsetHeight;
      if (innerWidth < WIDE || scrollY > top) this.$nextTick(() => scrollTo({ top }));
    },
    tellFound() {
      say(t('found', { n: this.found }));
    },
    clear() {
      this.text = '';
      this.filters = [];
      this.$refs.search.focus();
    },
    /** Goes to a category, with the focus, so that the keyboard goes on from there. */
    jump(slug) {
      const heading = document.getElementById(`category-${slug}`);
      heading?.scrollIntoView({ behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
      heading?.focus({ preventScroll: true });
    },

    /** A finger may press the whole card to choose; what goes into the cart at once needs its button. */
    tap(found, event) {
      if (there(found) && (event.target.closest('button') || !this.isPlain(found))) this.choose(found);
    },
    lookOf(found) {
      if (!there(found)) return 'dish--out';
      return this.isPlain(found) ? '' : 'dish--asks';
    },
    picture,
    there,
    unpictured(event) {
      if (!event.target.src.endsWith('/unpictured.svg')) event.target.src = '/img/dishes/unpictured.svg';
    },
    /** A thing of one size that nothing can be added to goes into the cart at once. */
    isPlain(found) {
      return found.variants.length === 1 && extras(this.menu, found).length === 0;
    },
    hasFrom(found) {
      return found.variants.length > 1;
    },
    marks(found) {
      const marks = [];
      if (FILTERS.vegetarian(found)) marks.push({ name: 'vegetarian', look: 'badge--good' });
      if (FILTERS.spicy(found)) marks.push({ name: 'spicy', look: 'badge--accent' });
      if (found.attributes.nuts === true) marks.push({ name: 'nuts', look: 'badge--warn' });
      return marks;
    },
    measure(found) {
      const { volume_ml: volume, weight_g: weight } = found.attributes;
      if (volume) return new Intl.NumberFormat(language(), { style: 'unit', unit: 'milliliter' }).format(volume);
      return weight ? new Intl.NumberFormat(language(), { style: 'unit', unit: 'gram' }).format(weight) : '';
    },
  };
}

start({ words: ['shop'], parts: { home: () => mix(browsing(), choosing(), checkout()) }, first });
