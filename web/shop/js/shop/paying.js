// What has become of the money of an order, out of what the platform tells. Only what is certain is said.

import { over } from './stages.js';

/** In these states of a payment nothing moves any more. */
const SETTLED = ['refunded', 'failed', 'voided', 'cancelled'];
/** Orders that ended for these reasons say themselves that nothing was taken. */
const SAYS_ITSELF = ['payment_declined', 'payment_timeout', 'out_of_stock', 'stock_timeout'];

/** Tells whether money of an order that has ended may still be on its way. */
export function moneyMoves({ order, payment }) {
  return order.state === 'cancelled' && !SETTLED.includes(payment?.state);
}

/** Gives `{ what, sum }`: `due`, `partly`, `refunding`, `refunded`, `none`; or nothing while nothing is certain. */
export function whatOfMoney({ order, payment }) {
  if (!payment) return null;
  const { taken, refunded, state } = payment;
  if (order.state !== 'cancelled') {
    if (refunded.amount_minor > 0) return { what: 'partly', sum: refunded };
    return order.payment === 'cash' && !over(order) ? { what: 'due', sum: order.total } : null;
  }
  const held = { ...taken, amount_minor: taken.amount_minor - refunded.amount_minor };
  if (held.amount_minor > 0 && !SETTLED.includes(state)) return { what: 'refunding', sum: held };
  if (refunded.amount_minor > 0) return { what: 'refunded', sum: refunded };
  if (SAYS_ITSELF.includes(order.reason)) return null;
  if (SETTLED.includes(state)) return held.amount_minor === 0 ? { what: 'none', sum: held } : null;
  // While the bank is being asked nobody knows what it will say.
  return ['requested', 'withdrawing'].includes(state) ? { what: 'unsure', sum: held } : null;
}
