// The kitchen display: tickets of a station, bumped and recalled by touch or by keys.

import { t } from '../core/i18n.js';
import { Alpine, keep, kept, say } from '../core/page.js';
import { act, refusedForSure, tokenNow } from './session.js';
import { house, refresh, replace } from './house.js';
import { bumped, cards, marksOf, urgency } from './tickets.js';
import { canRing, ring, wakeBell } from './sound.js';
import { meet, noteOf } from './notes.js';
import { dish, extra, kind as kindName, short, sizeOf, timer, wrong } from './words.js';

/** A finger that was on its way when tickets changed their places would hit another one than its cook has seen. */
const STILL_MS = 400;
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
    root: null,
    watches: [],
    trouble: '',

    cards: [],
    counts: {},
    lateCount: 0,
    /** When tickets changed their places the last time. */
    movedAt: 0,

    init() {
      // A button that was pressed may be gone when its answer comes: `$root` would look for it in vain.
      this.root = this.$el;
      // Drawing is dear on a slow tablet: tickets are read raw and made into cards when they change, and the clock only moves what it must.
      this.watches = [Alpine.effect(() => this.deal()), Alpine.effect(() => this.tick())];
      if (!this.muted) wakeBell().then((can) => (this.silent = !can));
    },
    destroy() {
      this.watches.forEach(Alpine.release);
    },
    /** Makes cards of the tickets. What it only reads to write it must not wake it up again, so it writes when it has ended. */
    deal() {
      const [tickets, orders, kind, kinds, there] = [Alpine.raw(house.tickets), Alpine.raw(house.orders), this.kind, this.kinds, house.there.tickets];
      const placed = Object.fromEntries(orders.map((order) => [order.order_id, order]));
      queueMicrotask(() => {
        const before = Alpine.raw(this.cards);
        const after = cards(tickets, kind, placed, before);
        if (before.some((card, place) => after[place]?.id !== card.id || after[place].groups.length !== card.groups.length)) this.movedAt = performance.now();
        this.cards = after;
        this.counts = Object.fromEntries(['', ...kinds].map((one) => [one, (one === kind ? after : cards(tickets, one, placed)).filter((card) => card.here).length]));
        // A station is called when something is to be done at it, not when it is ordered.
        meet(tickets.filter(({ state }) => state === 'booked' || state === 'cooking').map((ticket) => ticket.order_id));
        if (there) this.came(after.filter((card) => card.here));
        this.move();
      });
    },
    tick() {
      if (house.now) queueMicrotask(() => this.move());
    },
    move() {
      for (const card of this.cards) {
        const told = urgency(card, house.now);
        for (const name of Object.keys(told)) if (card[name] !== told[name]) card[name] = told[name];
      }
      this.lateCount = this.cards.filter((card) => card.urgency === 'late').length;
    },
    get kinds() {
      return [...new Set(house.stations.map((station) => station.kind))];
    },
    get bumped() {
      return bumped(Alpine.raw(house.tickets), this.kind).slice(0, 6);
    },
    get mode() {
      return house.settings ? t(`kitchen.mode.${house.settings.by_hand ? 'hand' : 'clock'}`) : '';
    },
    get broken() {
      return house.stations.filter((station) => station.broken && (!this.kind || station.kind === this.kind));
    },
    choose(kind) {
      this.kind = kind;
      keep('comanda.kitchen.kind', kind);
      this.known = null;
    },
    kindName,
    dish,
    sizeOf,
    note(card) {
      return noteOf(card.id);
    },
    extras(group) {
      return group.options.map(extra).join(' · ');
    },
    /** The dishes that were bumped, each once with how many of it: “3 × Margherita M”. */
    madeOf(entry) {
      const counts = new Map();
      for (const { slug, size } of entry.marks) {
        const text = `${dish(slug)} ${sizeOf(size)}`.trim();
        counts.set(text, (counts.get(text) || 0) + 1);
      }
      return [...counts].map(([text, n]) => `${n} × ${text}`).join(' · ');
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
    came(cards) {
      const now = cards.map((card) => card.id);
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
    /** Wakes the bell where the browser keeps it silent, else mutes it or not. */
    bell() {
      return this.silent && !this.muted ? this.wake() : this.mute();
    },
    /** Any touch lets the bell ring; the bell's own button does so by itself. */
    touched(event) {
      if (this.silent && !this.muted && !event.target.closest('.kitchen__acts')) this.wake();
    },
    async wake() {
      this.silent = !(await wakeBell());
      if (canRing()) ring();
    },

    bumpCard(card, event) {
      const ticket = house.tickets.find((ticket) => ticket.order_id === card.id);
      if (ticket && !this.missed(event)) this.bump(card, marksOf(card, this.kind, ticket));
    },
    bumpGroup(card, group, event) {
      if (!this.missed(event)) this.bump(card, group.marks);
    },
    /** A finger that was on its way while tickets moved. Keys go with the ticket that has the focus, wherever it is. */
    missed(event) {
      return event.detail > 0 && performance.now() - this.movedAt < STILL_MS;
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
    placeOfFocus() {
      const card = document.activeElement?.closest('.ticket');
      return card ? this.buttons().findIndex((button) => card.contains(button)) : -1;
    },
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
      else if (event.code === 'KeyM') this.bell();
      else return;
      event.preventDefault();
    },
    switchKeys() {
      this.keys = !this.keys;
      keep('comanda.kitchen.keys', this.keys);
    },
  };
}
