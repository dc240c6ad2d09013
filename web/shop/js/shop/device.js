// What this device remembers: who orders here, and what was ordered. It stays here; the platform is told only what an order needs.

import { keep, kept } from '../core/page.js';

const ORDERS = 'comanda.orders';
const CONTACT = 'comanda.contact';
const ORDERS_MAX = 50;

/** Remembers an order with the wish that it came of; the order in whose place it came leads to it from now on. */
export function remember(order, { body, insteadOf }) {
  const others = orders().filter((one) => one.id !== order.order_id).map((one) => (one.id === insteadOf ? { ...one, instead: order.order_id } : one));
  keep(ORDERS, [{ id: order.order_id, at: order.placed_at, total: order.total, body }, ...others].slice(0, ORDERS_MAX));
}

/** Keeps what the guest has typed so far, so that a reload loses nothing. */
export function keepContact(form) {
  keep(CONTACT, { ...form, note: '' });
}

export function orders() {
  const found = kept(ORDERS, []);
  return Array.isArray(found) ? found : [];
}

export function orderOf(id) {
  return orders().find((one) => one.id === id);
}

export function contact() {
  return { name: '', phone: '', address: '', email: '', note: '', fulfilment: 'delivery', ...kept(CONTACT, {}) };
}

/** Turns the lines of an order into lines of a cart, with the prices that were paid then. */
export function again(order) {
  return order.lines.map((line) => ({ slug: line.item, size: line.size, options: line.options, quantity: line.quantity, seen: line.unit.amount_minor, name: line.name }));
}
