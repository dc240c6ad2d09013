// The page of one order: it follows the order live and says what the guest can do now.

import { call, newKey, Problem } from '../core/api.js';
import { has, language, moment, named, number, t } from '../core/i18n.js';
import { follow } from '../core/live.js';
import { money, show } from '../core/money.js';
import { Alpine, say, start } from '../core/page.js';
import { CARDS } from './checks.js';
import { again, orderOf, place, remember } from './device.js';
import { picture, sizeWords } from './menu.js';
import { moneyMoves, whatOfMoney } from './paying.js';
import { dish, over, short, stages, waits } from './stages.js';
import { added, load, save } from './cart.js';

/** A stop on the way that is not said as an event, such as another booking of a station, is seen after this at the latest. */
const LOOK_MS = 8000;
/** So much later than it was said is late. */
const LATE_MS = 60000;
/** What is given back after the end is looked for now and then, ever more seldom, until it is certain. */
const MONEY_LOOK_MS = 1500;
const MONEY_LOOK_MAX_MS = 30000;

function page() {
  const name = decodeURIComponent(location.pathname.split('/').pop());
  // A link to share is the id and its seal; an id alone has no dot.
  const shared = name.includes('.');
  const base = shared ? `/v1/shared/${encodeURIComponent(name)}` : `/v1/orders/${encodeURIComponent(name)}`;
  const address = shared ? base : `${base}/progress`;

  return {
    name,
    shared,
    told: null,
    missing: false,
    how: '',
    now: Date.now(),
    ahead: 0,
    cards: CARDS,
    card: CARDS[0].token,
    busy: '',
    trouble: '',
    copied: '',
    options: [],
    own: shared ? null : orderOf(name),

    async init() {
      addEventListener('pageshow', (event) => {
        if (!event.persisted) return;
        this.busy = '';
        this.recall();
      });
      // The same order may be tried again in another window of this device.
      addEventListener('storage', () => this.recall());
      Alpine.effect(() => (document.title = `${this.title} · Comanda`));
      await this.look(true).catch(() => {});
      if (this.missing) return;
      // What was added to a dish has its name in the menu.
      if (!this.told || this.told.order.lines.some((line) => line.options.length)) call('/v1/menu', { cache: 'no-cache' }).then((menu) => (this.options = menu.options), () => {});
      this.line = follow({
        path: `${base}/events`,
        poll: () => this.look(),
        event: (kind, data) => this.hear(kind, data),
        status: (how) => (this.how = how),
        gone: () => {
          this.how = 'lost';
          this.look().catch(() => {});
        },
      });
      if (this.told && over(this.told.order)) this.end();
      setInterval(() => (this.now = Date.now() + this.ahead), 1000);
      setInterval(() => document.visibilityState === 'visible' && this.moving && this.look().catch(() => {}), LOOK_MS);
    },

    /** Reads how far it is; the first failure on a fresh page is told, later ones the stream tells. */
    async look(first = false) {
      try {
        this.take(await call(address));
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        if ([400, 401, 403, 404].includes(problem.status)) this.missing = !this.told;
        else if (first) setTimeout(() => this.look(true).catch(() => {}), 2000);
        throw problem;
      } finally {
        this.now = Date.now() + this.ahead;
      }
    },
    take(told) {
      // Answers may overtake each other; an order never goes back.
      if (this.told && told.order.version < this.told.order.version) return;
      const before = this.told?.order.state;
      this.ahead = Date.parse(told.as_of) - Date.now();
      this.told = told;
      if (before && before !== told.order.state) {
        say(this.title);
        if (over(told.order)) this.end();
      }
      this.unask();
    },
    /** Whoever is being asked whether to cancel is told when it cannot be done any more. */
    unask() {
      if (!this.$refs.cancel.open || this.canCancel || this.busy) return;
      if (over(this.order)) return this.$refs.cancel.close();
      this.$refs.keep.focus();
      say(t('cancel.gone'), true);
    },
    recall() {
      this.own = shared ? null : orderOf(name);
    },
    hear(kind, data) {
      if (kind === 'snapshot' && this.told && data.version === this.told.order.version) return;
      clearTimeout(this.soon);
      this.soon = setTimeout(() => this.look().catch(() => {}), 30);
    },
    /** It is over: the stream is, too. What is given back comes a moment later. */
    end() {
      this.line?.stop();
      this.how = '';
      const after = (wait) => setTimeout(() => {
        if (!this.moneyMoves) return;
        this.look().catch(() => {});
        after(Math.min(wait * 1.3, MONEY_LOOK_MAX_MS));
      }, wait);
      after(MONEY_LOOK_MS);
    },

    get order() {
      return this.told?.order;
    },
    get moving() {
      return Boolean(this.told) && !over(this.told.order);
    },
    get moneyMoves() {
      return !shared && Boolean(this.told) && moneyMoves(this.told);
    },
    get pickup() {
      return this.order?.fulfilment === 'pickup';
    },
    /** Picks the words for who reads: whoever came by a link is not the one who ordered. */
    wordFor(...keys) {
      const all = shared ? keys.flatMap((key) => [`shared.${key}`, key]) : keys;
      const found = all.find(has);
      return found ? t(found, { order: this.no }) : '';
    },
    /** What is called out behind the counter. */
    get no() {
      return this.order ? short(this.order.order_id) : '';
    },
    get title() {
      const state = this.order?.state;
      if (!state) return t('order.loading');
      const kinds = [this.pickup && '_pickup', !this.cooks && '_goods', ''].filter((kind) => kind !== false);
      return this.wordFor(...kinds.map((kind) => `now.${state}${kind}`));
    },
    get text() {
      const order = this.order;
      if (!order) return '';
      if (order.state === 'delivered') return t('now.delivered_text', { at: moment(this.told.delivery?.delivered_at || order.changed_at) });
      if (order.state === 'cancelled') return shared ? t('shared.why') : this.wordFor(`why.${order.reason}`, 'why.other');
      return this.pickup ? this.wordFor(`now.${order.state}_pickup_text`, `now.${order.state}_text`) : this.wordFor(`now.${order.state}_text`);
    },
    clockOf(at) {
      return new Intl.DateTimeFormat(language(), { hour: 'numeric', minute: '2-digit' }).format(new Date(at));
    },
    get left() {
      // What is ready and waits for the guest is not expected any more, and not late either.
      return this.moving && !waits(this.order) && this.told.expected_at ? Date.parse(this.told.expected_at) - this.now : null;
    },
    get etaBig() {
      if (this.left === null || this.late) return '';
      return this.left < 15000 ? t('eta.soon') : t('eta.left', { span: this.spanOf(this.left) });
    },
    get etaSmall() {
      return this.left === null || this.left < 15000 ? '' : t('eta.at', { at: this.clockOf(this.told.expected_at) });
    },
    spanOf(ms) {
      const minutes = ms >= 60000;
      return number(minutes ? Math.ceil(ms / 60000) : Math.max(1, Math.ceil(ms / 1000)), { style: 'unit', unit: minutes ? 'minute' : 'second', unitDisplay: 'short' });
    },
    get late() {
      return this.left !== null && this.left < -LATE_MS;
    },

    get cooks() {
      return Boolean(this.order?.lines.some((line) => line.kind === 'dish'));
    },
    get stages() {
      return this.order ? stages(this.order, this.cooks) : [];
    },
    get dishes() {
      const kitchen = this.told?.kitchen;
      if (!kitchen || !['paid', 'promised', 'cooking', 'ready'].includes(this.order.state)) return [];
      return kitchen.dishes.map((one, at) => {
        const line = this.order.lines[one.line];
        const where = dish(one.steps, this.now, one.state);
        return { key: at, slug: line?.item, name: named(line?.name), size: this.sizeOf(line), ...where, words: this.wordsOf(where), time: this.timeOf(where), percent: Math.round(where.part * 100) };
      });
    },
    wordsOf(where) {
      if (where.state !== 'at') return t(`dish.${where.state}`);
      return has(`dish.${where.station}`) ? t(`dish.${where.station}`) : t('dish.station', { station: where.station });
    },
    timeOf(where) {
      if (where.state === 'at') return where.left > 0 ? t('dish.left', { span: this.spanOf(where.left) }) : '';
      return where.state === 'queued' && where.until ? t('dish.starts', { span: this.spanOf(where.until) }) : '';
    },
    sizeOf(line) {
      return line ? sizeWords(line.size) : '';
    },

    /** What has become of the money, as far as it is certain. */
    get moneyText() {
      const found = !shared && this.told && whatOfMoney(this.told);
      return found ? t(`money.${found.what}`, { sum: money(found.sum) }) : '';
    },
    get canCancel() {
      return !shared && Boolean(this.order?.cancellable) && this.moving;
    },
    /** Whoever looks for the button that was there a moment ago is told why it has gone. */
    get tooLate() {
      return !shared && this.order?.state === 'cooking' && !this.canCancel;
    },
    get canRetry() {
      return !shared && Boolean(this.own?.body) && this.order?.state === 'cancelled' && ['payment_declined', 'payment_timeout'].includes(this.order.reason) && !this.own.instead;
    },
    get contact() {
      return this.own?.body.contact || {};
    },
    get link() {
      return this.told?.share ? `${location.origin}/order/${this.told.share}` : '';
    },
    get why() {
      return this.canCancel ? t('cancel.text') : t('cancel.gone_text');
    },
    get asking() {
      return this.canCancel ? t('cancel.title') : t('cancel.gone');
    },
    get badge() {
      if (!this.moving || !this.how) return '';
      return t(`order.${this.how}`);
    },
    get liveLook() {
      return { live: 'badge--good', polling: 'badge--warn', lost: 'badge--bad' }[this.how] || '';
    },

    addedOf(line) {
      const words = [sizeWords(line.size)].filter(Boolean);
      for (const slug of line.options) words.push(named(this.options.find((one) => one.slug === slug)?.name) || slug.replaceAll('_', ' '));
      return words.join(', ');
    },
    chargeOf(charge) {
      if (charge.kind === 'tax') return t(charge.included ? 'receipt.rate_included' : 'receipt.rate', { rate: number(charge.rate_bp / 10000, { style: 'percent', maximumFractionDigits: 2 }) });
      return t({ delivery_fee: 'sum.delivery', tip: 'sum.tip', discount: 'sum.discount' }[charge.kind] || 'sum.delivery');
    },
    /** How it was or will be paid, `{ how, sum }`; nothing where nothing was taken. */
    get paid() {
      const taken = this.told?.payment?.taken;
      if (taken?.amount_minor > 0) return { how: this.order.payment === 'cash' ? 'cash' : 'card', sum: taken };
      // An order that ended unpaid has a list of what was ordered, and no bill.
      if (this.order?.state === 'cancelled' && taken && !this.moneyMoves) return { how: 'none', sum: taken };
      return this.moving && this.order.payment === 'cash' ? { how: 'cash_due', sum: this.order.total } : null;
    },
    picture,
    unpictured(event) {
      if (!event.target.src.endsWith('/unpictured.svg')) event.target.src = '/img/dishes/unpictured.svg';
    },

    async cancel() {
      this.busy = 'cancel';
      this.trouble = '';
      this.cancelKey ||= newKey();
      try {
        await call(`/v1/orders/${encodeURIComponent(name)}/cancel`, { method: 'POST', key: this.cancelKey, body: { reason: '' } });
        this.$refs.cancel.close();
        await this.look();
        this.$refs.title.focus();
      } catch (problem) {
        if (!problem.passing) this.cancelKey = '';
        // Why it cannot be cancelled any more is said by what the order has become.
        const late = ['too_late_to_cancel', 'already_delivered'].includes(problem.code);
        this.trouble = late ? '' : problem.passing ? t('cancel.lost') : problem.detail || t('order.lost');
        await this.look().catch(() => {});
      } finally {
        this.busy = '';
        if (this.told) this.unask();
      }
    },

    /** Places the same once more, paid otherwise. What it costs must still be what it was, else the cart says what changed. */
    async retry(method) {
      if (this.busy) return;
      this.busy = method;
      this.trouble = '';
      const { lines, fulfilment, contact } = this.own.body;
      const payment = method === 'card' ? { method, card_token: this.card } : { method };
      const body = { lines, fulfilment, payment, contact, language: language(), expected_total_minor: this.order.total.amount_minor };
      try {
        const { order, wish } = await place({ body, insteadOf: name }, (problem) => (this.trouble = t(problem.lost ? 'place.lost' : 'place.busy')));
        remember(order, wish);
        location.assign(`/order/${order.order_id}`);
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        this.busy = '';
        if (['total_changed', 'item_unavailable', 'item_unknown', 'item_retired', 'size_unknown'].includes(problem.code)) return this.reorder();
        this.trouble = t('refused.other', { why: problem.detail });
        say(this.trouble, true);
      }
    },
    /** Whoever presses twice means it once. */
    reorder() {
      if (this.busy) return;
      this.busy = 'reorder';
      save(again(this.order).reduce((lines, line) => added(lines, line), load()));
      location.assign('/#cart');
    },
    async shareIt() {
      const what = { title: 'Comanda', text: t('share.text'), url: this.link };
      try {
        if (navigator.share) return await navigator.share(what);
        await navigator.clipboard.writeText(this.link);
        this.copied = t('share.copied');
        say(this.copied);
      } catch (error) {
        if (error?.name === 'AbortError') return;
        this.copied = t('share.take');
        say(this.copied);
        this.$nextTick(() => this.$refs.link?.select());
      }
    },
    printIt() {
      print();
    },
    sum: show,
    beside(event) {
      if (event.target.tagName === 'DIALOG') event.target.close();
    },
  };
}

start({ words: ['shop'], parts: { order: page } });
