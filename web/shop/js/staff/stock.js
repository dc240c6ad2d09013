// Stock: what runs low first; received, counted, thrown away.

import { folded, named, t } from '../core/i18n.js';
import { act, ask } from './session.js';
import { house, refresh, replace } from './house.js';
import { open } from './asking.js';
import { much } from './words.js';

const WHOLE = /^\s*\d{1,12}\s*$/;

export function stock() {
  return {
    text: '',
    lowOnly: false,
    get low() {
      return house.levels.filter((level) => level.low);
    },
    get shown() {
      const wanted = folded(this.text.trim());
      const fits = (level) => (!this.lowOnly || level.low) && (!wanted || folded(`${this.name(level)} ${level.slug}`).includes(wanted));
      return house.levels.filter(fits).sort((a, b) => b.low - a.low || this.name(a).localeCompare(this.name(b)));
    },
    name(level) {
      return named(level.name) || level.slug;
    },
    much,
    edit(level, verb) {
      const many = verb === 'count';
      open({
        title: t(`stock.${verb}.title`, { name: this.name(level) }),
        text: t(`stock.${verb}.text${many && !level.reserved ? '.all' : ''}`, { now: much(level.available, level.unit), reserved: much(level.reserved, level.unit) }),
        fields: [
          { name: 'quantity', label: t('stock.quantity', { unit: t(`unit.name.${level.unit}`) }), kind: 'numeric', needed: true, value: many ? String(level.available) : '', hint: (typed) => (WHOLE.test(typed) ? t('stock.means', { much: much(Number(typed), level.unit) }) : '') },
          { name: 'reason', label: t('reason.label'), needed: verb === 'waste', options: verb === 'waste' ? ['spoilt', 'dropped'].map((word) => t(`stock.why.${word}`)) : [] },
        ],
        yes: t(`stock.${verb}.yes`),
        tone: verb === 'waste' ? 'bad' : '',
        done: t(`stock.${verb}.done`, { name: this.name(level) }),
        check: ({ quantity }) => (WHOLE.test(quantity) ? null : { field: 'quantity', text: t('wrong.whole') }),
        run: async ({ quantity, reason }) => {
          replace('levels', 'stock_id', await act(`/v1/stock/${level.stock_id}/${verb}`, { quantity: Number(quantity), version: level.version, reason }));
          refresh('levels');
        },
        refused: async (error) => {
          if (error.code !== 'stale_version') return null;
          const now = await ask(`/v1/stock/${level.stock_id}`);
          const was = much(level.available, level.unit);
          level = now;
          return { text: t('stale.title'), notes: [t('stale.was', { value: was }), t('stale.now', { value: much(now.available, now.unit) })], yes: t('stale.again') };
        },
      });
    },
  };
}
