// How far an order is, out of what the platform tells: pure, so that the page only has to show it.

/** The states of an order in the order in which it comes to them. */
const WAY = ['pending', 'reserved', 'promised', 'paid', 'cooking', 'ready', 'shipped', 'delivered'];

/** How full the bar of a dish is whose time is over while it is still being made. */
const ALMOST = 0.97;

/** The last signs of an id: what staff call out, and what a guest says at the counter. */
export function short(id) {
  return `#${id.slice(-4).toUpperCase()}`;
}

/** Tells whether nothing more will happen to an order. */
export function over(order) {
  return order.state === 'delivered' || order.state === 'cancelled';
}

/** Tells whether an order lies ready at the counter: now it waits for the guest, and nobody waits for it. */
export function waits(order) {
  return order.fulfilment === 'pickup' && (order.state === 'ready' || order.state === 'shipped');
}

/**
 * Gives the stages of an order: `{ name, look }`, where `look` is `done`, `now`, `later` or `off`. Goods alone are not cooked.
 * `reached` is how far a cancelled order had come.
 */
export function stages(order, cooks) {
  const pickup = order.fulfilment === 'pickup';
  const list = [
    ['received', 'pending'],
    [order.payment === 'cash' ? 'promised' : 'paid', order.payment === 'cash' ? 'promised' : 'paid'],
    ...(cooks ? [['cooking', 'cooking'], ['ready', 'ready']] : []),
    [pickup ? 'shipped_pickup' : 'shipped', 'shipped'],
    ['delivered', 'delivered'],
  ];
  if (order.state === 'cancelled') return [{ name: 'received', look: 'done' }, { name: 'cancelled', look: 'off' }];
  const at = WAY.indexOf(order.state);
  let waits = true;
  return list.map(([name, state]) => {
    const done = state === 'pending' ? at >= 1 : WAY.indexOf(state) < at || order.state === 'delivered' || (state === order.state && ['paid', 'promised', 'ready'].includes(state));
    if (done) return { name, look: 'done' };
    const look = waits ? 'now' : 'later';
    waits = false;
    return { name, look };
  });
}

/**
 * Tells where a dish is at a moment: `{ state, station, left, until, part }`. `state` is `queued`, `at` or `ready`; `left` is
 * the time until it is ready, in ms; `part` goes from 0 to 1 over all its steps. `said` is what the platform said last: a dish
 * whose time is over is not ready before the kitchen says so.
 */
export function dish(steps, now, said) {
  const times = steps.map((step) => ({ station: step.station, from: Date.parse(step.starts_at), to: Date.parse(step.ends_at) }));
  if (!times.length || times.some((step) => Number.isNaN(step.to))) return { state: 'queued', part: 0 };
  const first = times[0].from;
  const last = times[times.length - 1].to;
  if (said === 'ready') return { state: 'ready', part: 1, left: 0 };
  if (now >= last) return said === 'queued' ? { state: 'queued', part: 0 } : { state: 'at', station: times[times.length - 1].station, part: ALMOST, left: 0 };
  if (now < first) return { state: 'queued', part: 0, until: first - now, left: last - now };
  const current = times.find((step) => now < step.to) || times[times.length - 1];
  return { state: 'at', station: current.station, part: (now - first) / (last - first), left: last - now };
}
