// The board: every open order by how far it has come.

import { t, named } from '../core/i18n.js';
import { Alpine } from '../core/page.js';
import { act, ask } from './session.js';
import { house, refresh } from './house.js';
import { open } from './asking.js';
import { extra, short, since, sizeOf, timer } from './words.js';

const COLUMNS = [
  { id: 'new', states: ['pending', 'reserved'] },
  { id: 'line', states: ['paid', 'promised'] },
  { id: 'cooking', states: ['cooking'] },
  { id: 'ready', states: ['ready'] },
  { id: 'shipped', states: ['shipped'] },
  { id: 'ended', states: ['delivered', 'cancelled'] },
];
/** In which column an order stands: what waits to be fetched is ready until it is gone. */
function stateOf(order) {
  return order.state === 'shipped' && order.fulfilment === 'pickup' ? 'ready' : order.state;
}

/** So many orders need more room than the other columns. */
const MANY = 8;
/** From this age on an order that nobody cooks yet is late. */
const WAITING_MAX_MS = 10 * 60000;

export function board() {
  return {
    only: '',
    detail: null,
    contact: null,
    columns: [],
    dues: new Map(),
    lateCount: 0,
    /** What no part names belongs to the page, and the next view takes it. */
    watches: [],

    init() {
      // Orders are read raw and dealt out when they change: a look at each of them every second is dear on a slow phone.
      this.watches = [Alpine.effect(() => this.deal()), Alpine.effect(() => house.now && queueMicrotask(() => this.count()))];
    },
    destroy() {
      this.watches.forEach(Alpine.release);
    },
    deal() {
      const [orders, ended, tickets, deliveries] = ['orders', 'ended', 'tickets', 'deliveries'].map((name) => Alpine.raw(house[name]));
      const columns = COLUMNS.map(({ id, states }) => ({ id, title: t(`board.${id}`), orders: (id === 'ended' ? ended : orders).filter((order) => states.includes(stateOf(order))) }));
      queueMicrotask(() => {
        this.dues = dues(orders, tickets, deliveries);
        this.columns = columns;
        this.count();
      });
    },
    count() {
      this.lateCount = Alpine.raw(house.orders).filter((order) => this.late(order)).length;
    },
    get shown() {
      return this.only ? this.columns.filter((column) => column.id === this.only) : this.columns;
    },
    /** Staff may cancel until the order has left the house. */
    mayCancel(order) {
      return ['pending', 'reserved', 'paid', 'promised', 'cooking', 'ready'].includes(order.state);
    },
    pick(id) {
      this.only = this.only === id ? '' : id;
    },
    age(order) {
      return timer(since(order.accepted_at));
    },
    /** An order is late against what its ticket or its courier promised. */
    late(order) {
      const due = this.due(order);
      return due > 0 && house.now > due;
    },
    due(order) {
      return this.dues.get(order.order_id) || 0;
    },
    lateBy(order) {
      return t('board.late', { time: timer(house.now - this.due(order)) });
    },
    lines(order) {
      return order.lines.map((line) => ({ text: `${line.quantity} × ${named(line.name)}`, size: sizeOf(line.size), extras: line.options.length }));
    },
    detailOf(line) {
      return [sizeOf(line.size), ...line.options.map(extra)].filter(Boolean).join(' · ');
    },
    isMany(column) {
      return column.id !== 'ended' && column.orders.length > MANY;
    },
    word(order) {
      return t(`state.${stateOf(order)}`);
    },
    /** What became of the money: its words and its tone. */
    paid(order) {
      const word = payWord(order, house.payments[order.order_id]);
      return t(`pay.${word}`);
    },
    payTone(order) {
      return PAY_TONES[payWord(order, house.payments[order.order_id])] || '';
    },
    why(order) {
      const key = `reason.${order.reason}`;
      const told = t(key);
      return told === key ? order.reason : told;
    },
    async show(order) {
      this.detail = order;
      this.contact = null;
      this.$nextTick(() => document.getElementById('detail').showModal());
      try {
        const contact = await ask(`/v1/orders/${order.order_id}/contact`);
        if (this.detail?.order_id === order.order_id) this.contact = contact;
      } catch {
        // The order is shown without its person.
      }
    },
    cancel(order) {
      document.getElementById('detail').close();
      open({
        title: t('cancel.title', { order: short(order.order_id) }),
        text: t(order.payment === 'card' ? 'cancel.text.card' : 'cancel.text.cash'),
        fields: [{ name: 'reason', label: t('reason.label'), needed: true, options: ['guest', 'closing', 'mistake'].map((word) => t(`cancel.why.${word}`)) }],
        yes: t('cancel.yes'),
        tone: 'bad',
        done: t('cancel.done', { order: short(order.order_id) }),
        run: async ({ reason }) => {
          await act(`/v1/orders/${order.order_id}/cancel`, { reason });
          refresh('orders');
        },
      });
    },
  };
}

/** By when each open order was to be further, against what its ticket or its courier promised; none where nothing was. */
function dues(orders, tickets, deliveries) {
  const promised = new Map(tickets.map((ticket) => [ticket.order_id, Date.parse(ticket.promised_at)]));
  const expected = new Map(deliveries.map((delivery) => [delivery.order_id, Date.parse(delivery.expected_at)]));
  const due = (order) => {
    // What waits to be fetched is late for nobody.
    if (order.state === 'shipped') return order.fulfilment === 'pickup' ? 0 : expected.get(order.order_id);
    const waits = ['pending', 'reserved', 'paid', 'promised'].includes(order.state);
    return promised.get(order.order_id) || (waits ? Date.parse(order.accepted_at) + WAITING_MAX_MS : 0);
  };
  return new Map(orders.map((order) => [order.order_id, due(order)]));
}

const PAY_TONES = { cash: 'badge--warn', open: 'badge--warn', refunding: 'badge--warn', card: 'badge--good', taken: 'badge--good', declined: 'badge--bad' };

/** How an order stands with its money; of one that was cancelled its payment tells. */
function payWord(order, payment) {
  if (order.state === 'delivered') return order.payment === 'cash' ? 'taken' : 'card';
  if (order.state !== 'cancelled') return order.payment === 'cash' ? 'cash' : ['pending', 'reserved'].includes(order.state) ? 'open' : 'card';
  if (payment?.refunded.amount_minor) return 'refunded';
  if (payment?.state === 'failed') return 'declined';
  if (['refunding', 'withdrawing'].includes(payment?.state)) return 'refunding';
  return payment?.taken.amount_minor ? 'card' : 'none';
}
