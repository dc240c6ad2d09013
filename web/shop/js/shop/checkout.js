// The cart and the checkout: one sheet with what is wanted, where to, and how it is paid.

import { Problem } from '../core/api.js';
import { day, language, list, named, t } from '../core/i18n.js';
import { show } from '../core/money.js';
import { say } from '../core/page.js';
import { added, agreed, change, keyOf, load, orderable, QUANTITY_MAX, save, total, unit, without } from './cart.js';
import { CARDS, CHECKS, wrongs } from './checks.js';
import { contact, isFresh, keepContact, olderThan, place, remember, waiting } from './device.js';
import { item, sizeWords } from './menu.js';

/** Goes back to the top of the sheet: what had the focus may be gone, and with it the way to the sheet's references. */
function toTitle(part) {
  part.$nextTick(() => {
    const title = document.getElementById('sheet-title');
    title.focus();
    title.closest('dialog').scrollTop = 0;
  });
}

export function checkout() {
  return {
    lines: load(),
    form: contact(),
    wrong: {},
    touched: [],
    payment: 'card',
    card: CARDS[0].token,
    cards: CARDS,
    /** `''`, `sending`, `lost` while a wish waits for the network, or `busy` while it waits for the shop. */
    placing: '',
    refused: '',
    /** What was sent long ago and never answered, while the guest is asked which order is meant. */
    older: null,

    watchCart() {
      this.$watch('lines', (lines) => save(lines));
      this.$watch('form', (form) => keepContact(form));
      addEventListener('storage', (event) => event.key === 'comanda.cart' && (this.lines = load()));
      // A wish that was never answered is asked about at once: it may have been placed.
      if (isFresh()) this.resume();
      // Who comes back by the browser's own button finds the page as it was left: in the middle of ordering.
      addEventListener('pageshow', (event) => {
        if (!event.persisted) return;
        this.placing = '';
        this.lines = load();
        this.$refs.sheet?.close?.();
      });
    },

    get count() {
      return this.lines.reduce((sum, line) => sum + line.quantity, 0);
    },
    get sums() {
      const empty = { dishes: 0, fee: 0, tip: 0, tax: 0, included: true, sum: 0, currency: this.currency };
      return this.menu ? total(this.menu, this.lines, this.form.fulfilment === 'delivery') : empty;
    },
    get rows() {
      if (!this.menu) return [];
      return this.lines.map((line) => {
        const what = change(this.menu, line);
        const now = unit(this.menu, line);
        return { ...line, key: keyOf(line), what, now, title: this.titleOf(line), added: this.addedOf(line), note: this.noteOf(line, what, now), others: this.othersOf(line, what) };
      });
    },
    get changed() {
      return this.rows.filter((row) => row.what !== 'same');
    },
    get blocked() {
      return this.rows.filter((row) => row.what === 'gone' || row.what === 'sold_out');
    },

    titleOf(line) {
      const found = item(this.menu, line.slug);
      return named(found?.name || line.name) || line.slug;
    },
    addedOf(line) {
      const words = [sizeWords(line.size)].filter(Boolean);
      for (const slug of line.options) words.push(named(this.menu.options.find((option) => option.slug === slug)?.name) || slug);
      return words.join(', ');
    },
    noteOf(line, what, now) {
      const prices = { was: show(line.seen, this.currency), now: show(now, this.currency) };
      if (what !== 'sold_out') return what === 'same' ? '' : t(`changed.${what}`, prices);
      return t(this.othersOf(line, what).length ? 'changed.sold_out_size' : 'changed.sold_out');
    },
    /** The sizes that can be had instead of one that is sold out, with what one of the line would cost then. */
    othersOf(line, what) {
      const found = item(this.menu, line.slug);
      if (what !== 'sold_out' || !found.available) return [];
      return found.variants.filter((one) => !one.sold_out).map((one) => ({ size: one.size, label: `${sizeWords(one.size)} · ${show(unit(this.menu, { ...line, size: one.size }), this.currency)}` }));
    },
    /** Takes another size of a line instead; whatever was added to it stays. */
    resize(row, size) {
      const { slug, options, quantity, name } = row;
      const line = { slug, size, options, quantity, name };
      this.lines = added(this.lines.filter((one) => keyOf(one) !== row.key), { ...line, seen: unit(this.menu, line) ?? undefined });
      say(t('added', { name: `${row.title}, ${sizeWords(size)}` }));
      toTitle(this);
    },

    change(key, by) {
      this.lines = this.lines.map((line) => (keyOf(line) === key ? { ...line, quantity: Math.min(QUANTITY_MAX, line.quantity + by) } : line)).filter((line) => line.quantity > 0);
      say(this.count ? t('cart.said', { n: this.count, sum: show(this.sums.sum, this.currency) }) : t('cart.empty'));
    },
    remove(key) {
      const row = this.rows.find((one) => one.key === key);
      this.lines = this.lines.filter((line) => keyOf(line) !== key);
      say(t('removed', { name: row ? row.title : '' }));
      toTitle(this);
    },
    removeBlocked() {
      this.lines = this.lines.filter((line) => orderable(this.menu, line));
      toTitle(this);
    },
    agree() {
      this.lines = agreed(this.menu, this.lines);
      toTitle(this);
    },

    async openCheckout() {
      this.refused = '';
      this.older = null;
      this.atFirst = 0;
      await this.$nextTick();
      if (!this.$refs.sheet.open) this.$refs.sheet.showModal();
      this.$refs.sheetTitle.focus();
      await this.refresh();
    },

    /** Checks a field once it was left, and again at every letter while it is wrong. */
    check(field) {
      if (!this.touched.includes(field)) this.touched = [...this.touched, field];
      this.wrong = { ...this.wrong, [field]: CHECKS[field](this.form[field] || '', this.form) };
    },
    recheck(field) {
      if (this.touched.includes(field) && this.wrong[field]) this.check(field);
    },
    wrongOf(field) {
      return this.wrong[field] ? t(this.wrong[field]) : '';
    },
    isWrong(field) {
      return this.wrong[field] ? 'true' : 'false';
    },
    get cash() {
      return this.form.fulfilment === 'pickup' ? t('pay.cash_counter') : t('pay.cash');
    },
    /** Says what a wish waits for. */
    get waitText() {
      return this.placing === 'lost' || this.placing === 'busy' ? t(`place.${this.placing}`) : '';
    },
    get placeLabel() {
      if (this.placing) return t('place.sending');
      if (!this.isOpen) return t('hours.closed');
      if (this.blocked.length) return t('place.blocked');
      return t('place', { sum: show(this.sums.sum, this.currency) });
    },
    get canPlace() {
      return Boolean(this.menu) && this.lines.length > 0 && !this.blocked.length && !this.placing && this.isOpen;
    },

    async submit() {
      this.wrong = wrongs(this.form);
      this.touched = Object.keys(CHECKS);
      const first = ['name', 'phone', 'address', 'email', 'note'].find((field) => this.wrong[field]);
      if (first) {
        say(t('check.some'), true);
        this.$nextTick(() => {
          const field = document.getElementById(`field-${first}`);
          const folded = field.closest('details');
          if (folded) folded.open = true;
          field.focus();
        });
        return;
      }
      if (!this.canPlace) return;
      const wish = this.wish();
      this.older = olderThan(wish);
      if (!this.older) return this.send(wish);
      say(this.olderText, true);
      this.$nextTick(() => this.$refs.older.scrollIntoView({ block: 'nearest' }));
    },

    /** Says what was sent long ago and never answered. */
    get olderText() {
      if (!this.older) return '';
      const { at, body } = this.older;
      const what = list(body.lines.map((line) => `${line.quantity} × ${this.titleOf({ slug: line.item })}`));
      return t('older', { at: day(at, true), what, sum: show(body.expected_total_minor, this.currency) });
    },
    /** Sends what was sent long ago once more. */
    sendOlder() {
      this.older = null;
      return this.send(null);
    },
    /** Leaves it, and orders what is here. */
    leaveOlder() {
      this.older = null;
      return this.send(this.wish());
    },

    /** What is sent: no price but the total that the guest has seen. */
    wish() {
      const pickup = this.form.fulfilment === 'pickup';
      const clean = (name) => (this.form[name] || '').trim();
      return {
        lines: this.lines.map((line) => ({ item: line.slug, size: line.size, quantity: line.quantity, options: [...line.options] })),
        fulfilment: this.form.fulfilment,
        payment: this.payment === 'card' ? { method: 'card', card_token: this.card } : { method: 'cash' },
        contact: { name: clean('name'), phone: clean('phone'), email: clean('email'), address: pickup ? '' : clean('address'), note: clean('note') },
        language: language(),
        expected_total_minor: this.sums.sum,
      };
    },

    /** Sends a wish, or the one that waits. */
    async send(wish) {
      // Another page of this device may just have heard of it.
      if (!wish && !waiting()) return void (this.placing = '');
      this.placing = 'sending';
      this.refused = '';
      try {
        const { order, wish: placed } = await place(wish && { body: wish }, (problem) => {
          const how = problem.lost ? 'lost' : 'busy';
          if (this.placing !== how) say(t(`place.${how}`), true);
          this.placing = how;
        });
        remember(order, placed);
        // What never was in the cart, or was put there while the order was on its way, was not ordered yet.
        if (!placed.insteadOf) {
          this.lines = without(this.lines, placed.body.lines);
          save(this.lines);
        }
        location.assign(`/order/${order.order_id}`);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        this.placing = '';
        await this.refresh();
        const reason = this.reasonOf(error);
        say(reason, true);
        // What has changed is said at the top of the sheet, with what can be done about it.
        if (this.blocked.length) return toTitle(this);
        this.refused = reason;
        this.$nextTick(() => this.$refs.refused.scrollIntoView({ block: 'nearest' }));
      }
    },
    reasonOf(problem) {
      const known = { total_changed: 'refused.total', item_unavailable: 'refused.unavailable', item_unknown: 'refused.unavailable', item_retired: 'refused.unavailable', size_unknown: 'refused.unavailable', not_enough_stock: 'refused.unavailable' };
      return t(known[problem.code] || 'refused.other', { why: problem.detail });
    },
    async resume() {
      this.atFirst = 0;
      await this.$nextTick();
      this.$refs.sheet.showModal();
      this.placing = 'sending';
      await this.send(null);
    },
  };
}
