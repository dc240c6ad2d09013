// What each service holds, as lists: for whoever asks whether a thing is there at all.

import { day, has, named, number, t } from '../core/i18n.js';
import { money } from '../core/money.js';
import { ask } from './session.js';
import { house } from './house.js';
import { wrong } from './words.js';

/** By service: where its list is, and which fields are shown first. Messages and figures need something to ask about. */
const LISTS = {
  catalog: { path: '/v1/items?limit=50', rows: 'items', fields: ['slug', 'name', 'category', 'from', 'available', 'version'] },
  inventory: { path: '/v1/stock?limit=50', rows: 'levels', fields: ['slug', 'name', 'available', 'reserved', 'consumed', 'unit', 'low'] },
  orders: { path: '/v1/board?limit=50', rows: 'orders', fields: ['order_id', 'state', 'total', 'payment', 'fulfilment', 'accepted_at'] },
  payments: { path: '/v1/payments?limit=50', rows: 'payments', fields: ['payment_id', 'order_id', 'method', 'state', 'amount', 'taken', 'refunded'] },
  kitchen: { path: '/v1/kitchen/tickets?limit=50', rows: 'tickets', fields: ['ticket_id', 'order_id', 'state', 'starts_at', 'promised_at', 'ready_at'] },
  delivery: { path: '/v1/deliveries?limit=50', rows: 'deliveries', fields: ['delivery_id', 'order_id', 'state', 'way', 'cash_due', 'expected_at'] },
  notifications: { rows: 'notifications', fields: ['notification_id', 'order_id', 'template', 'title', 'at'] },
  analytics: { path: '/v1/analytics/top-items', rows: 'items', fields: ['slug', 'size', 'quantity', 'revenue'] },
};

/** Fields that hold a machine's words; people read their own. */
const WORDS = ['unit', 'state', 'payment', 'method', 'fulfilment', 'way', 'template'];

export function records() {
  return {
    services: Object.keys(LISTS),
    service: 'orders',
    rows: [],
    fields: [],
    next: '',
    trouble: '',
    loading: false,
    init() {
      this.choose(this.service);
    },
    async choose(service) {
      Object.assign(this, { service, rows: [], next: '', fields: LISTS[service].fields });
      await this.more();
    },
    async more() {
      const { service, next } = this;
      const list = LISTS[service];
      this.trouble = '';
      this.loading = true;
      try {
        const path = list.path || (await messages());
        const told = path ? await ask(path + (next ? `&after=${encodeURIComponent(next)}` : '')) : {};
        if (service !== this.service) return;
        this.rows = [...this.rows, ...(told[list.rows] || [])];
        this.fields = list.fields.filter((field) => !this.rows.length || this.rows.some((row) => field in row));
        this.next = told.next || '';
      } catch (error) {
        this.trouble = wrong(error);
      } finally {
        this.loading = false;
      }
    },
    title(field) {
      return t(`field.${field}`);
    },
    shown(row, field) {
      const value = row[field];
      if (value === null || value === undefined || value === '') return '—';
      if (typeof value === 'boolean') return t(value ? 'yes' : 'no');
      if (typeof value === 'number') return number(value);
      if (typeof value === 'object') return 'amount_minor' in value ? money(value) || '—' : named(value) || '—';
      if (field.endsWith('_at') || field === 'at') return day(value, true);
      const words = WORDS.includes(field) ? [`word.${value}`, `state.${value}`].filter(has) : [];
      return words.length ? t(words[0]) : value;
    },
  };
}

/** Messages are listed by order: those of the latest order are shown. */
async function messages() {
  const { payments } = await ask('/v1/payments?limit=1');
  const order = payments[0]?.order_id || house.orders.at(-1)?.order_id;
  return order ? `/v1/notifications?order_id=${order}&limit=50` : '';
}
