// The kitchen display: tickets of a station, bumped and recalled by touch or by keys.

import { t } from '../core/i18n.js';
import { keep, kept, say } from '../core/page.js';
import { act, refusedForSure, tokenNow } from './session.js';
import { house, refresh, replace } from './house.js';
import { bumped, cards, marksOf } from './tickets.js';
import { canRing, ring, wakeBell } from './sound.js';
import { dish, extra, kind as kindName, short, timer, wrong } from './words.js';

/** How many bumps of this display can be taken back with one key. */
const BACK_MAX = 20;

export function kitchen() {
  return {
    kind: kept('comanda.kitchen.kind', ''),
    muted: kept('comanda.kitchen.muted', false),
    keys: kept('comanda.kitchen.keys', true),
    at: '',
    silent: false,
    busy: {},
    back: [],
    known: null,
    trouble: '',

    init() {
      // A button that was pressed may be gone when its answer comes: `$root` would look for it in vain.
      this.root = this.$el;
      this.$watch('$store.house.tickets', (tickets) => this.came(tickets));
      if (!this.muted) wakeBell().then((can) => (this.silent = !can));
    },
    get kinds() {
      return [...new Set(house.stations.map((station) => station.kind))];
    },
    get placed() {
      return Object.fromEntries(house.orders.map((order) => [order.order_id, order]));
    },
    get cards() {
      return cards(house.tickets, this.kind, house.now, this.placed);
    },
    get bumped() {
      return bumped(house.tickets, this.kind).slice(0, 6);
    },
    get lateCount() {
      return this.cards.filter((card) => card.urgency === 'late').length;
    },
    /** Whether cooks alone say that a dish is done: a setting of the platform, which tickets tell. */
    get mode() {
      return house.byHand === null ? '' : t(house.byHand ? 'kitchen.mode.hand' : 'kitchen.mode.clock');
    },
    get broken() {
      return house.stations.filter((station) => station.broken && (!this.kind || station.kind === this.kind));
    },
    countOf(kind) {
      return cards(house.tickets, kind, house.now, this.placed).length;
    },
    choose(kind) {
      this.kind = kind;
      keep('comanda.kitchen.kind', kind);
      this.known = null;
      this.came(house.tickets);
    },
    kindName,
    dish,
    extras(group) {
      return group.options.map(extra).join(' · ');
    },
    /** What the sign on a card says besides its colour. */
    sign(card) {
      if (card.urgency === 'late') return t('kitchen.late', { time: timer(card.behind) });
      if (card.left === null) return t('kitchen.later');
      return t('kitchen.left', { time: timer(card.left) });
    },
    spoken(card) {
      return t('kitchen.bump.spoken', { order: short(card.id), n: card.groups.reduce((sum, group) => sum + group.marks.length, 0) });
    },
    isBusy(card) {
      return Boolean(this.busy[card.id]);
    },

    /** New tickets ring, once each. */
    came(tickets) {
      const now = cards(tickets, this.kind, house.now, {}).map((card) => card.id);
      const fresh = this.known ? now.filter((id) => !this.known.has(id)) : [];
      this.known = new Set([...(this.known || []), ...now]);
      if (!fresh.length) return;
      say(t('kitchen.new', { n: fresh.length }));
      if (!this.muted) this.silent = !ring();
    },
    async mute() {
      this.muted = !this.muted;
      keep('comanda.kitchen.muted', this.muted);
      this.silent = !this.muted && !(await wakeBell());
      if (!this.muted) ring();
    },
    async wake() {
      this.silent = !(await wakeBell());
      if (canRing()) ring();
    },

    bumpCard(card) {
      const ticket = house.tickets.find((ticket) => ticket.order_id === card.id);
      if (ticket) this.bump(card, marksOf(card, this.kind, ticket));
    },
    bumpGroup(card, group) {
      this.bump(card, group.marks);
    },
    async bump(card, marks) {
      if (this.busy[card.id]) return;
      const ticket = house.tickets.find((ticket) => ticket.order_id === card.id);
      const before = marks.map(({ dish }) => ({ dish, step: ticket.dishes[dish].step }));
      this.busy[card.id] = true;
      this.trouble = '';
      try {
        const told = await act(`/v1/kitchen/tickets/${card.id}/bump`, { dishes: marks });
        this.back = [{ id: card.id, dishes: before }, ...this.back].slice(0, BACK_MAX);
        replace('tickets', 'order_id', told);
        say(t('kitchen.bumped', { order: short(card.id), n: marks.length }));
      } catch (error) {
        this.refused(error);
      } finally {
        delete this.busy[card.id];
      }
    },
    /** Takes the last bump of this display back; what could not be taken back can be tried again. */
    async undo() {
      const last = this.back[0];
      if (!last) return say(t('kitchen.nothing'));
      this.back = this.back.slice(1);
      const status = await this.recall(last.id, last.dishes);
      if (status !== undefined && !refusedForSure(status)) this.back = [last, ...this.back];
    },
    /** A station takes back its own work; the display of all of them the ticket's last bump, whoever did it. */
    async bringBack(entry) {
      this.back = this.back.filter(({ id }) => id !== entry.id);
      await this.recall(entry.id, this.kind ? entry.marks.map(({ dish, step }) => ({ dish, step })) : []);
    },
    /** Gives the status of a refusal. */
    async recall(id, dishes) {
      this.trouble = '';
      try {
        replace('tickets', 'order_id', await act(`/v1/kitchen/tickets/${id}/recall`, { dishes }));
        say(t('kitchen.recalled', { order: short(id) }));
      } catch (error) {
        this.refused(error);
        return error.status ?? 0;
      }
    },
    refused(error) {
      if (!tokenNow()) return;
      this.trouble = wrong(error);
      say(this.trouble, true);
      refresh('tickets');
    },

    buttons() {
      return [...this.root.querySelectorAll('.ticket__done')];
    },
    /** Which ticket has the focus; -1 when none has. */
    placeOfFocus() {
      const card = document.activeElement?.closest('.ticket');
      return card ? this.buttons().findIndex((button) => card.contains(button)) : -1;
    },
    /** How many tickets stand side by side. */
    columns() {
      const tops = this.buttons().map((button) => button.closest('.ticket').offsetTop);
      return tops.filter((top) => top === tops[0]).length || 1;
    },
    focusCard(place) {
      const buttons = this.buttons();
      this.at = buttons[Math.min(place, buttons.length - 1)]?.closest('.ticket').dataset.order;
      buttons[Math.min(place, buttons.length - 1)]?.focus();
    },
    /** Goes to the ticket at which the cook was last, else to the first one: only a ticket that is seen to be chosen is bumped. */
    backToCards() {
      const rows = [...this.root.querySelectorAll('.ticket')];
      this.focusCard(Math.max(0, rows.findIndex((row) => row.dataset.order === this.at)));
    },
    /** Keys work from anywhere on the page, except in a field, in a dialog, and where the cook has switched them off. */
    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target.closest('input, textarea, select, dialog') || document.querySelector('dialog[open]')) return;
      const place = this.placeOfFocus();
      if (!this.keys && place < 0) return;
      const step = { ArrowRight: () => 1, ArrowLeft: () => -1, ArrowDown: () => this.columns(), ArrowUp: () => -this.columns() }[event.key]?.();
      const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
      if (place < 0 && (step || digit) && this.cards.length) this.backToCards();
      else if (step) this.focusCard(Math.max(0, place + step));
      else if (event.key === 'Home' && place >= 0) this.focusCard(0);
      else if (event.key === 'End' && place >= 0) this.focusCard(Infinity);
      else if (digit) {
        // What is pressed is what is seen, whatever came meanwhile.
        document.activeElement.closest('.ticket').querySelectorAll('.dish')[Number(digit) - 1]?.click();
      } else if (event.code === 'KeyR' || event.key === 'Backspace') this.undo();
      else if (event.code === 'KeyM') this.mute();
      else return;
      event.preventDefault();
    },
    switchKeys() {
      this.keys = !this.keys;
      keep('comanda.kitchen.keys', this.keys);
    },
  };
}
