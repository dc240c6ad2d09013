// The menu as staff edit it: prices, and what is sold out. An edit of something that changed meanwhile is refused and explained.

import { folded, language, named, t } from '../core/i18n.js';
import { decimalsOf, money, parse } from '../core/money.js';
import { say } from '../core/page.js';
import { act, ask } from './session.js';
import { house, refresh, replace } from './house.js';
import { open } from './asking.js';
import { sizeOf, wrong } from './words.js';

export function menu() {
  return {
    text: '',
    trouble: '',
    get groups() {
      const wanted = folded(this.text.trim());
      const fits = (item) => !wanted || folded(`${named(item.name)} ${item.slug}`).includes(wanted);
      const groups = (house.categories || []).map((category) => ({
        id: category.slug,
        title: named(category.name),
        items: house.items.filter((item) => item.category === category.slug && fits(item)).sort((a, b) => named(a.name).localeCompare(named(b.name))),
      }));
      return groups.filter((group) => group.items.length);
    },
    size(variant) {
      return sizeOf(variant.size) || t('menu.one');
    },
    /** A thing with the size that is meant, as it is called. */
    called(item, variant) {
      return `${named(item.name)} ${sizeOf(variant.size)}`.trim();
    },
    async sold(item, variant) {
      this.trouble = '';
      const soldOut = !variant.sold_out;
      try {
        replace('items', 'item_id', await act(`/v1/items/${item.item_id}/availability`, { available: !soldOut, size: variant.size, version: item.version }, 'PUT'));
        say(t(soldOut ? 'menu.sold.done' : 'menu.back.done', { name: this.called(item, variant) }));
      } catch (error) {
        this.trouble = error.code === 'stale_version' ? t('menu.stale.sold', { name: named(item.name) }) : wrong(error);
        say(this.trouble, true);
        refresh('items');
      }
    },
    price(item, variant) {
      const currency = variant.price.currency;
      const places = decimalsOf(currency);
      const typed = (minor) => (minor / 10 ** places).toFixed(places).replace('.', language() === 'ru' ? ',' : '.');
      const of = (item) => item.variants.find((one) => one.size === variant.size)?.price;
      const first = variant.price;
      open({
        title: t('price.title', { name: this.called(item, variant) }),
        text: t('price.text', { now: money(first) }),
        fields: [
          { name: 'price', label: t('price.label', { currency }), value: typed(first.amount_minor), kind: 'decimal', needed: true },
          { name: 'reason', label: t('reason.label') },
        ],
        yes: t('price.yes'),
        done: t('price.done', { name: named(item.name) }),
        check: ({ price }) => (parse(price, currency) === null ? { field: 'price', text: t('wrong.amount') } : null),
        run: async ({ price, reason }) => {
          replace('items', 'item_id', await act(`/v1/items/${item.item_id}`, sent(item, variant.size, parse(price, currency), reason), 'PUT'));
        },
        refused: async (error, { price }) => {
          if (error.code !== 'stale_version') return null;
          const seen = of(item);
          item = await ask(`/v1/items/${item.item_id}`);
          refresh('items');
          const notes = [t('stale.seen', { value: money(seen) }), t('stale.theirs', { value: money(of(item)) }), t('stale.mine', { value: money({ amount_minor: parse(price, currency), currency }) })];
          return { text: t('stale.title'), notes, yes: t('stale.mine.yes') };
        },
      });
    },
  };
}

/** An item as it is sent back: whole, with one price changed. */
function sent(item, size, price_minor, reason) {
  const variants = item.variants.map((one) => ({
    size: one.size,
    price_minor: one.size === size ? price_minor : one.price.amount_minor,
    needs: one.needs || [],
    sold_out: one.sold_out,
    percent: one.percent || 0,
  }));
  const { slug, kind, category, name, description, attributes, steps = [], tax_rate_bp, available, version } = item;
  return { slug, kind, category, name, description, attributes, variants, steps, tax_rate_bp, available, version, reason };
}
