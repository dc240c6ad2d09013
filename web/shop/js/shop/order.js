// The page of one order: it follows the order live and says what the guest can do now.

import { call, newKey, Problem } from '../core/api.js';
import { has, language, named, number, t } from '../core/i18n.js';
import { follow } from '../core/live.js';
import { money, show } from '../core/money.js';
import { say, start } from '../core/page.js';
import { CARDS } from './checks.js';
import { again, orderOf, remember } from './device.js';
import { picture } from './menu.js';
import { place } from './placing.js';
import { dish, over, stages } from './stages.js';
import { added, load, save } from './cart.js';

/** A stop on the way that is not said as an event, such as another booking of a station, is seen after this at the latest. */
const LOOK_MS = 8000;
/** So much later than it was said is late. */
const LATE_MS = 60000;

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
      addEventListener('pageshow', (event) => event.persisted && (this.busy = ''));
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
      if (!shared) document.title = `${this.title} · Comanda`;
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
      let rounds = 0;
      const after = setInterval(() => {
        rounds += 1;
        if (!this.moneyMoves || rounds > 40) clearInterval(after);
        else this.look().catch(() => {});
      }, 1500);
    },

    get order() {
      return this.told?.order;
    },
    get moving() {
      return Boolean(this.told) && !over(this.told.order);
    },
    get moneyMoves() {
      const state = this.told?.payment?.state;
      return this.order?.state === 'cancelled' && (['refunding', 'requested', 'withdrawing', 'captured'].includes(state) || (!state && !shared));
    },
    get pickup() {
      return this.order?.fulfilment === 'pickup';
    },
    get title() {
      const order = this.order;
      if (!order) return t('order.loading');
      const there = `now.${order.state}_pickup`;
      return t(this.pickup && has(there) ? there : `now.${order.state}`);
    },
    get text() {
      const order = this.order;
      if (!order) return '';
      if (order.state === 'delivered') return t('now.delivered_text', { at: this.clockOf(this.told.delivery?.delivered_at || order.changed_at) });
      if (order.state === 'cancelled') return t(has(`why.${order.reason}`) ? `why.${order.reason}` : 'why.other');
      return has(`now.${order.state}_text`) ? t(`now.${order.state}_text`) : '';
    },
    clockOf(at) {
      return new Intl.DateTimeFormat(language(), { hour: 'numeric', minute: '2-digit' }).format(new Date(at));
    },
    get left() {
      return this.moving && this.told.expected_at ? Date.parse(this.told.expected_at) - this.now : null;
    },
    get etaBig() {
      if (this.left === null) return '';
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
        const where = dish(one.steps, this.now);
        return { key: at, slug: line?.item, name: named(line?.name), size: this.sizeOf(line), ...where, words: this.wordsOf(where), time: this.timeOf(where), percent: Math.round(where.part * 100) };
      });
    },
    wordsOf(where) {
      if (where.state !== 'at') return t(`dish.${where.state}`);
      return has(`dish.${where.station}`) ? t(`dish.${where.station}`) : t('dish.station', { station: where.station });
    },
    timeOf(where) {
      if (where.state === 'at') return t('dish.left', { span: this.spanOf(where.left) });
      return where.state === 'queued' && where.until ? t('dish.starts', { span: this.spanOf(where.until) }) : '';
    },
    sizeOf(line) {
      return !line || line.size === 'unit' ? '' : line.size;
    },

    /** What has become of the money of an order that ended early. */
    get moneyText() {
      const { order, payment } = this.told || {};
      if (!order || !payment) return '';
      const cash = order.payment === 'cash';
      if (order.state !== 'cancelled') {
        if (payment.refunded.amount_minor > 0) return t('money.partly', { sum: money(payment.refunded) });
        return cash && this.moving ? t('money.due', { sum: money(order.total) }) : '';
      }
      if (payment.refunded.amount_minor > 0) return t('money.refunded', { sum: money(payment.refunded) });
      if (payment.taken.amount_minor > 0) return t('money.refunding', { sum: money(payment.taken) });
      return ['payment_declined', 'payment_timeout', 'out_of_stock', 'stock_timeout'].includes(order.reason) ? '' : t('money.none');
    },
    get canCancel() {
      return !shared && Boolean(this.order?.cancellable) && this.moving;
    },
    get canRetry() {
      return !shared && Boolean(this.own?.body) && this.order?.state === 'cancelled' && ['payment_declined', 'payment_timeout'].includes(this.order.reason);
    },
    get otherCards() {
      return this.cards.filter((card) => card.token !== this.own?.body.payment.card_token);
    },
    get contact() {
      return this.own?.body.contact || {};
    },
    get link() {
      return this.told?.share ? `${location.origin}/order/${this.told.share}` : '';
    },
    get badge() {
      if (!this.moving || !this.how) return '';
      return t(`order.${this.how}`);
    },
    get liveLook() {
      return { live: 'badge--good', polling: 'badge--warn', lost: 'badge--bad' }[this.how] || '';
    },

    addedOf(line) {
      const words = line.size === 'unit' ? [] : [line.size];
      for (const slug of line.options) words.push(named(this.options.find((one) => one.slug === slug)?.name) || slug.replaceAll('_', ' '));
      return words.join(', ');
    },
    chargeOf(charge) {
      if (charge.kind === 'tax') return t(charge.included ? 'receipt.rate_included' : 'receipt.rate', { rate: number(charge.rate_bp / 10000, { style: 'percent', maximumFractionDigits: 2 }) });
      return t({ delivery_fee: 'sum.delivery', tip: 'sum.tip', discount: 'sum.discount' }[charge.kind] || 'sum.delivery');
    },
    get paidBy() {
      const paid = (this.told?.payment?.taken.amount_minor || 0) > 0;
      return t(this.order?.payment === 'cash' ? 'receipt.cash' : paid ? 'receipt.card' : 'receipt.card_open');
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
        this.trouble = problem.code === 'too_late_to_cancel' || problem.code === 'already_delivered' ? t('cancel.late', { why: problem.detail }) : problem.passing ? t('cancel.lost') : problem.detail || t('order.lost');
        if (!problem.passing) this.cancelKey = '';
        this.look().catch(() => {});
      } finally {
        this.busy = '';
      }
    },

    /** Places the same once more, paid otherwise. What it costs must still be what it was, else the cart says what changed. */
    async retry(method) {
      this.busy = method;
      this.trouble = '';
      const { lines, fulfilment, contact } = this.own.body;
      const payment = method === 'card' ? { method, card_token: this.card } : { method };
      try {
        const { order, body } = await place({ lines, fulfilment, payment, contact, language: language(), expected_total_minor: this.order.total.amount_minor }, (problem) => (this.trouble = t(problem.lost ? 'place.lost' : 'place.busy')));
        remember(order, body);
        location.assign(`/order/${order.order_id}`);
      } catch (problem) {
        if (!(problem instanceof Problem)) throw problem;
        this.busy = '';
        if (['total_changed', 'item_unavailable', 'item_unknown', 'item_retired', 'size_unknown'].includes(problem.code)) return this.reorder();
        this.trouble = t('refused.other', { why: problem.detail });
        say(this.trouble, true);
      }
    },
    reorder() {
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
