// The house as it is now: what the platform told last, asked again when an event says that it has changed.

import { Alpine } from '../core/page.js';
import { follow } from '../core/live.js';
import { forgetEnded, latest } from './ended.js';
import { forget, lags, said } from './seen.js';
import { ask, tokenNow } from './session.js';

/** Lists are asked again at most so often, however many events come; what takes long to read gets longer rests. */
const REST_MS = 300;
const REST_SHARE = 2;
/** Pauses, breaks, repairs and settings are said by no event. */
const LOOK_MS = 4000;
const PAGES_MAX = 10;

/** Reactive: templates read it as `$store.house`. */
export let house = {
  status: '',
  now: Date.now(),
  orders: [],
  ended: [],
  /** Payments of those that have ended, by order. */
  payments: {},
  tickets: [],
  deliveries: [],
  levels: [],
  items: [],
  stations: [],
  services: [],
  /** How the kitchen works: whether dishes are done only when a cook says so. */
  settings: null,
  shop: null,
  dishes: {},
  extras: {},
  /** Lists that came at least once, by name. */
  there: {},
  /** Lists whose last answer was a problem, by name. */
  failed: {},
};

let skew = 0;
let stream = null;
let clock = 0;
let look = 0;
const wanted = new Set();
const hearers = new Set();
/** Orders that an event said have ended. */
const over = new Set();

export function build() {
  Alpine.store('house', house);
  house = Alpine.store('house');
}

const sources = {
  async orders() {
    house.orders = (await pages('/v1/board?limit=200', 'orders')).sort((a, b) => a.accepted_at.localeCompare(b.accepted_at));
  },
  async ended() {
    // What is still open is told by the board, so it comes first.
    if (!house.there.orders) await sources.orders();
    const { ended, payments } = await latest(new Set(house.orders.map((order) => order.order_id)), over);
    const kept = ended.map(({ order_id: id }) => [id, payments[id] || house.payments[id]]);
    Object.assign(house, { ended, payments: Object.fromEntries(kept) });
  },
  async tickets() {
    const list = await ask('/v1/kitchen/tickets?limit=200');
    skew = Date.parse(list.as_of) - Date.now();
    house.now = Date.now() + skew;
    house.tickets = list.tickets;
  },
  async stations() {
    house.stations = (await ask('/v1/kitchen/stations')).stations;
  },
  async settings() {
    house.settings = await ask('/v1/kitchen/settings');
  },
  async deliveries() {
    const of = (state) => pages(`/v1/deliveries?state=${state}&limit=200`, 'deliveries');
    const [shipped, packing] = await Promise.all([of('shipped'), of('packing')]);
    house.deliveries = [...shipped, ...packing].sort((a, b) => (a.expected_at || '').localeCompare(b.expected_at || ''));
  },
  async levels() {
    house.levels = await pages('/v1/stock?limit=200', 'levels');
  },
  async items() {
    house.items = await pages('/v1/items?limit=200', 'items');
  },
  async services() {
    house.services = (await ask('/v1/services')).services;
  },
  async menu() {
    const menu = await ask('/v1/menu');
    house.shop = menu.shop;
    house.categories = menu.categories;
    house.dishes = Object.fromEntries(menu.items.map((item) => [item.slug, item.name]));
    house.extras = Object.fromEntries(menu.options.map((extra) => [extra.slug, extra.name]));
  },
};

/** Reads all pages of a list, up to a limit. */
async function pages(path, name) {
  const rows = [];
  let after = '';
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const told = await ask(path + (after ? `&after=${encodeURIComponent(after)}` : ''));
    rows.push(...told[name]);
    if (!told.next) break;
    after = told.next;
  }
  return rows;
}

const running = new Map();

/** Asks for a list again; while that is under way, once more after it. */
export function refresh(name) {
  const known = running.get(name);
  if (known) {
    known.again = true;
    return known.done;
  }
  const run = { again: false, done: null };
  running.set(name, run);
  run.done = (async () => {
    do {
      run.again = false;
      const begun = Date.now();
      try {
        await sources[name]();
        house.there[name] = true;
        house.failed[name] = false;
        if (lags(name, Alpine.raw(house[name]), Date.now())) run.again = true;
      } catch {
        house.failed[name] = true;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.max(REST_MS, REST_SHARE * (Date.now() - begun))));
    } while (run.again && tokenNow());
    running.delete(name);
  })();
  return run.done;
}

/** Says which lists a view shows; only those are kept fresh. */
export function need(...names) {
  wanted.clear();
  for (const name of [...names, 'services']) wanted.add(name);
  for (const name of wanted) refresh(name);
}

function stale(...names) {
  for (const name of names) if (wanted.has(name)) refresh(name);
}

/** Hears every event of the stream; gives how to stop that. */
export function hear(hearer) {
  hearers.add(hearer);
  return () => hearers.delete(hearer);
}

function happened(name, event) {
  const topic = event.topic;
  if (name === 'order.delivered' || name === 'order.cancelled') over.add(event.subject);
  stale(...said(name, event.subject, Date.now()));
  if (topic === 'order-events') stale('orders', 'ended', 'deliveries', 'tickets');
  if (topic === 'payment-events') stale('orders', 'ended', 'tickets');
  if (topic === 'kitchen-events') stale('tickets', 'orders', 'stations');
  if (topic === 'stock-events') stale('levels');
  if (topic === 'catalog-events') stale('items', 'menu');
  for (const hearer of hearers) hearer(name, event);
}

/** Follows the platform for as long as somebody is signed in. */
export function open(gone) {
  close();
  house.now = Date.now() + skew;
  clock = setInterval(() => (house.now = Date.now() + skew), 1000);
  look = setInterval(() => document.visibilityState === 'visible' && stale('services', 'stations', 'settings'), LOOK_MS);
  const all = () => Promise.all([...wanted].map(refresh)).then(() => {
    if ([...wanted].every((name) => house.failed[name])) throw new Error('nothing came');
  });
  refresh('menu');
  stream = follow({
    path: '/v1/events',
    token: tokenNow(),
    event: happened,
    poll: all,
    status: (word) => {
      // Between two streams something may have been missed that no event tells, such as a pause.
      if (word === 'live' && house.status !== 'live') all().catch(() => {});
      house.status = word;
    },
    gone,
  });
}

/** Stops following and forgets what was told. */
export function close() {
  stream?.stop();
  stream = null;
  clearInterval(clock);
  clearInterval(look);
  for (const name of ['orders', 'ended', 'tickets', 'deliveries', 'levels', 'items', 'stations', 'services']) house[name] = [];
  Object.assign(house, { settings: null, payments: {}, there: {}, failed: {}, status: '' });
  over.clear();
  forget();
  forgetEnded();
}

/** Puts one row of a list in the place of the one that it replaces. */
export function replace(name, key, row) {
  house[name] = Alpine.raw(house[name]).map((known) => (known[key] === row[key] ? row : known));
}
