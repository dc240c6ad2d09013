// The couriers' list: what is on its way, with the cash to take at the door.

import { language, t } from '../core/i18n.js';
import { decimalsOf, parse, show } from '../core/money.js';
import { act, ask } from './session.js';
import { house, refresh } from './house.js';
import { open } from './asking.js';
import { short, timer } from './words.js';

export function couriers() {
  return {
    people: {},
    init() {
      this.$watch('$store.house.deliveries', () => this.meet());
    },
    /** Reads the address of everything that is on its way, once. */
    async meet() {
      for (const { order_id: id } of house.deliveries) {
        if (this.people[id]) continue;
        this.people[id] = {};
        try {
          this.people[id] = await ask(`/v1/orders/${id}/contact`);
        } catch {
          delete this.people[id];
        }
      }
    },
    get away() {
      return house.deliveries.filter((delivery) => delivery.state === 'shipped');
    },
    get rides() {
      return this.away.filter((delivery) => !this.fetched(delivery));
    },
    /** What stands ready at the counter and waits for its person. */
    get pickups() {
      return this.away.filter((delivery) => this.fetched(delivery));
    },
    get groups() {
      const groups = [{ id: 'rides', rows: this.rides }, { id: 'pickups', rows: this.pickups }];
      return groups.filter((group) => group.rows.length).map((group) => ({ ...group, title: t(`couriers.${group.id}`) }));
    },
    fetched({ order_id: id }) {
      return house.orders.some((order) => order.order_id === id && order.fulfilment === 'pickup');
    },
    get packing() {
      return house.deliveries.filter((delivery) => delivery.state === 'packing');
    },
    get cash() {
      const sum = this.rides.reduce((sum, delivery) => sum + delivery.cash_due.amount_minor, 0);
      return show(sum, this.away.find((delivery) => delivery.cash_due.currency)?.cash_due.currency || house.shop?.currency);
    },
    late(delivery) {
      return !this.fetched(delivery) && delivery.expected_at && house.now > Date.parse(delivery.expected_at);
    },
    when(delivery) {
      if (this.fetched(delivery)) return t('couriers.waits', { time: timer(house.now - Date.parse(delivery.shipped_at)) });
      const left = Date.parse(delivery.expected_at) - house.now;
      return left < 0 ? t('couriers.late', { time: timer(-left) }) : t('couriers.left', { time: timer(left) });
    },
    handOver(delivery) {
      const due = delivery.cash_due;
      const places = decimalsOf(due.currency || 'USD');
      const typed = (due.amount_minor / 10 ** places).toFixed(places).replace('.', language() === 'ru' ? ',' : '.');
      const fields = [{ name: 'proof', label: t('hand.proof'), hint: () => t('hand.proof.hint'), needed: true, value: this.people[delivery.order_id]?.name || '' }];
      if (due.amount_minor) fields.unshift({ name: 'cash', label: t('hand.cash', { sum: show(due.amount_minor, due.currency) }), value: typed, kind: 'decimal', needed: true });
      open({
        title: t('hand.title', { order: short(delivery.order_id) }),
        fields,
        yes: t('hand.yes'),
        tone: 'good',
        done: t('hand.done', { order: short(delivery.order_id) }),
        check: ({ cash }) => (due.amount_minor && parse(cash, due.currency) === null ? { field: 'cash', text: t('wrong.amount') } : null),
        run: async ({ proof, cash }) => {
          const taken = due.amount_minor ? parse(cash, due.currency) : 0;
          await act(`/v1/deliveries/${delivery.order_id}/hand-over`, { proof, cash_taken_minor: taken });
          refresh('deliveries');
        },
      });
    },
    giveUp(delivery) {
      open({
        title: t('giveup.title', { order: short(delivery.order_id) }),
        text: t('giveup.text'),
        fields: [{ name: 'reason', label: t('reason.label'), needed: true, options: ['absent', 'address', 'refused'].map((word) => t(`giveup.why.${word}`)) }],
        yes: t('giveup.yes'),
        tone: 'bad',
        done: t('giveup.done', { order: short(delivery.order_id) }),
        run: async ({ reason }) => {
          await act(`/v1/deliveries/${delivery.order_id}/give-up`, { reason });
          refresh('deliveries');
        },
      });
    },
  };
}
