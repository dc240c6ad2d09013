// Choosing a dish: its size, what is added, how many.

import { named, t } from '../core/i18n.js';
import { say } from '../core/page.js';
import { added, QUANTITY_MAX, unit } from './cart.js';
import { extras, sizeWords, variant } from './menu.js';

export function choosing() {
  return {
    dish: null,
    size: '',
    chosen: [],
    quantity: 1,
    toast: '',

    choose(found) {
      if (this.isPlain(found)) return this.put({ slug: found.slug, size: found.variants[0].size, options: [], quantity: 1, name: found.name });
      this.atFirst = 0;
      this.dish = found;
      const usual = found.variants.find((one) => one.size === 'M' && !one.sold_out) || found.variants.find((one) => !one.sold_out) || found.variants[0];
      this.size = usual.size;
      this.chosen = [];
      this.quantity = 1;
      this.$nextTick(() => this.$refs.dish.showModal());
    },
    get extras() {
      return this.dish && this.menu ? extras(this.menu, this.dish) : [];
    },
    get line() {
      return { slug: this.dish.slug, size: this.size, options: [...this.chosen], quantity: this.quantity, name: this.dish.name };
    },
    get dishPrice() {
      return this.dish ? (unit(this.menu, this.line) || 0) * this.quantity : 0;
    },
    get currency() {
      return this.menu?.shop.currency || '';
    },
    get sizeSoldOut() {
      return Boolean(this.dish && variant(this.dish, this.size)?.sold_out);
    },
    sizeWords(size) {
      return sizeWords(size) || t('size.unit');
    },
    fewer() {
      this.quantity = Math.max(1, this.quantity - 1);
    },
    more() {
      this.quantity = Math.min(QUANTITY_MAX, this.quantity + 1);
    },
    addDish() {
      this.put(this.line);
      this.$refs.dish.close();
    },
    put(line) {
      this.lines = added(this.lines, { ...line, seen: unit(this.menu, line) ?? undefined });
      this.toast = t('added', { name: named(line.name) });
      say(`${this.toast}. ${t('cart.count', { n: this.count })}`);
      clearTimeout(this.toastTimer);
      this.toastTimer = setTimeout(() => (this.toast = ''), 2200);
    },
    /** A click beside a dialog closes it, as its button and Escape do. */
    beside(event) {
      if (event.target.tagName === 'DIALOG') event.target.close();
    },
  };
}
