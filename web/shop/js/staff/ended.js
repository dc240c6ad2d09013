// Orders that ended of late. The board holds open ones only: the latest payments name the others, and events those of just now.

import { ask } from './session.js';

/** How many the board shows. */
const SHOWN = 12;
const PAGE = 100;
/** In a rush the latest payments are all of open orders: so many pages are looked through. */
const PAGES_MAX = 5;
const KEPT_MAX = 500;
const ENDS = ['delivered', 'cancelled'];

/** Orders that were found to have ended, by id: an end is final, so nobody asks for them again. */
const known = new Map();

/**
 * Gives the orders that ended last, the latest first, and their payments by order. `over` names orders of which an event said
 * that they ended; who keeps orders may hear of it a moment later, so they stay named until they are seen to have ended.
 */
export async function latest(open, over) {
  const payments = {};
  const ids = new Set(over);
  for (let page = 0, next = ''; page < PAGES_MAX && ids.size < SHOWN; page += 1) {
    const told = await ask(`/v1/payments?limit=${PAGE}${next ? `&after=${encodeURIComponent(next)}` : ''}`);
    for (const payment of told.payments) {
      payments[payment.order_id] = payment;
      if (!open.has(payment.order_id)) ids.add(payment.order_id);
    }
    next = told.next;
    if (!next) break;
  }
  const fresh = [...ids].filter((id) => !known.has(id)).slice(0, SHOWN);
  for (const order of await Promise.all(fresh.map((id) => ask(`/v1/orders/${id}`)))) {
    if (ENDS.includes(order.state)) known.set(order.order_id, order);
  }
  for (const id of over) if (known.has(id)) over.delete(id);
  const all = [...known.values()].sort((a, b) => b.changed_at.localeCompare(a.changed_at));
  for (const order of all.slice(KEPT_MAX)) known.delete(order.order_id);
  return { ended: all.slice(0, SHOWN), payments };
}

/** Forgets all of them. */
export function forgetEnded() {
  known.clear();
}
