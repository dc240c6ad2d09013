// What this device remembers: who orders here, what was ordered, and the wish that was sent but not answered yet, with its key, so
// that it is placed once, whatever the network does. It stays here; the platform is told only what an order needs.

import { newKey, Problem, settle } from '../core/api.js';
import { keep, kept } from '../core/page.js';

const ORDERS = 'comanda.orders';
const CONTACT = 'comanda.contact';
const ORDERS_MAX = 50;
const WISH = 'comanda.placing';
/** The platform remembers what it answered to a key for a day; an older wish must not be sent again. */
const REMEMBERED_MS = 20 * 3600 * 1000;
/** For so long a wish is asked about by itself; afterwards only when the guest orders. */
const FRESH_MS = 15 * 60 * 1000;

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

/** Gives the wish that was sent and never answered. */
export function waiting() {
  const found = kept(WISH, null);
  if (!found?.key) return null;
  if (Date.now() - found.at > REMEMBERED_MS) {
    keep(WISH, null);
    return null;
  }
  return found;
}

/** Tells whether a wish waits that the guest still expects to go on by itself. */
export function isFresh() {
  const found = waiting();
  return Boolean(found) && Date.now() - found.at < FRESH_MS;
}

/** Gives the wish of long ago that is not the one asked for now: which of them is meant is the guest's to say. */
export function olderThan(body) {
  const found = waiting();
  return found && !isFresh() && JSON.stringify(found.body) !== JSON.stringify(body) ? found : null;
}

/**
 * Places an order, or asks again about the one that was not answered. `asked` is what to place, if anything, and `insteadOf`
 * the order in whose place it comes, if any. Gives the order, and the wish that it came of. `hear(problem)` is told of every
 * round that was lost. A refusal is thrown and forgets the wish: the next one is another.
 */
export async function place(asked, hear) {
  // A wish of a moment ago is answered first, whatever was changed since: it may have been placed, and a second key would
  // double it. One of long ago goes to the shop only when it is asked for: nobody expects it any more.
  const older = asked && olderThan(asked.body) ? null : waiting();
  const wish = older ?? { key: newKey(), at: Date.now(), ...asked };
  keep(WISH, wish);
  try {
    const order = await settle('/v1/orders', { key: wish.key, body: wish.body }, hear);
    keep(WISH, null);
    return { order, wish };
  } catch (error) {
    if (error instanceof Problem) keep(WISH, null);
    throw error;
  }
}
