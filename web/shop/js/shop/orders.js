// My orders: what was ordered on this device, and ordering it again.

import { call, Problem } from '../core/api.js';
import { named } from '../core/i18n.js';
import { start } from '../core/page.js';
import { added, load, save } from './cart.js';
import { again } from './device.js';
import { picture, sizeWords } from './menu.js';
import { short, waits } from './stages.js';

function page() {
  return {
    orders: [],
    next: '',
    ready: false,
    trouble: false,
    busy: false,

    going: false,

    async init() {
      addEventListener('pageshow', (event) => event.persisted && (this.going = false));
      await this.more();
    },
    async more() {
      // Whoever presses twice means it once: the same page would come twice.
      if (this.busy) return;
      this.busy = true;
      this.trouble = false;
      try {
        const page = await call(`/v1/orders?limit=20${this.next ? `&after=${encodeURIComponent(this.next)}` : ''}`);
        this.orders = [...this.orders, ...page.orders];
        this.next = page.next || '';
        this.ready = true;
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        // A device that has never ordered is not known to the platform.
        if (problem.status === 401) this.ready = true;
        else this.trouble = true;
      } finally {
        this.busy = false;
      }
    },
    linesOf(order) {
      return order.lines.map((line) => [`${line.quantity}\u00a0×\u00a0${named(line.name)}`, sizeWords(line.size)].filter(Boolean).join(', ')).join('; ');
    },
    picturesOf(order) {
      return [...new Set(order.lines.map((line) => line.item))].slice(0, 4);
    },
    lookOf(order) {
      return { delivered: 'badge--good', cancelled: 'badge--bad' }[order.state] || 'badge--accent';
    },
    stateOf(order) {
      return waits(order) ? 'waits' : order.state;
    },
    noOf(order) {
      return short(order.order_id);
    },
    reorder(order) {
      // Whoever presses twice means it once: all of it would be in the cart twice.
      if (this.going) return;
      this.going = true;
      save(again(order).reduce((lines, line) => added(lines, line), load()));
      location.assign('/#cart');
    },
    picture,
    unpictured(event) {
      if (!event.target.src.endsWith('/unpictured.svg')) event.target.src = '/img/dishes/unpictured.svg';
    },
  };
}

start({ words: ['shop'], parts: { orders: page } });
