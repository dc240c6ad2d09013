// What an event has said, until the lists show it: who keeps a list hears of an event a moment after it was said.

/** How long a list may lag before it is believed. */
const LAG_MAX_MS = 8000;
/** How far an order has come, by its state. */
const STATES = ['pending', 'reserved', 'paid', 'promised', 'cooking', 'ready', 'shipped', 'delivered', 'cancelled'];
const far = (state) => STATES.indexOf(state === 'promised' ? 'paid' : state);

/** An order that has ended is on the board no more. */
const comes = (id, state) => (rows) => {
  const row = rows.find((order) => order.order_id === id);
  return !row || far(row.state) >= far(state);
};
const isThere = (id) => (rows) => rows.some((row) => row.order_id === id);
const always = () => true;
const isGone = (id) => (rows) => !rows.some((row) => row.order_id === id);

/** By event: what each list shows as soon as its keeper has heard of it. */
const SAYS = {
  'order.created': (id) => ({ orders: isThere(id) }),
  'stock.reserved': (id) => ({ orders: comes(id, 'reserved') }),
  'order.paid': (id) => ({ orders: comes(id, 'paid'), tickets: isThere(id) }),
  'payment.promised': (id) => ({ orders: comes(id, 'promised'), tickets: isThere(id) }),
  'cooking.started': (id) => ({ orders: comes(id, 'cooking') }),
  'order.ready': (id) => ({ orders: comes(id, 'ready'), tickets: always, deliveries: isThere(id) }),
  'order.shipped': (id) => ({ orders: comes(id, 'shipped') }),
  'order.delivered': (id) => ({ orders: isGone(id), ended: isThere(id), deliveries: isGone(id) }),
  'order.cancelled': (id) => ({ orders: isGone(id), ended: isThere(id), tickets: isGone(id), deliveries: isGone(id) }),
};

/** By list: checks that did not hold yet, by order; an order's later event takes the place of its earlier one. */
const open = new Map();

/** Notes what an event says; gives the lists that have to show it. */
export function said(name, id, now) {
  const lists = SAYS[name]?.(id) || {};
  for (const [list, holds] of Object.entries(lists)) {
    if (!open.has(list)) open.set(list, new Map());
    open.get(list).set(id, { holds, until: now + LAG_MAX_MS });
  }
  return Object.keys(lists);
}

/** Looks at the rows of a list as they were just read; tells whether they lag behind what was said. */
export function lags(list, rows, now) {
  const waiting = open.get(list) || new Map();
  for (const [id, { holds, until }] of waiting) {
    if (now > until || holds(rows)) waiting.delete(id);
  }
  return waiting.size > 0;
}

/** Forgets everything. */
export function forget() {
  open.clear();
}
