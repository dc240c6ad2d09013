// The cart: what the guest wants, with the prices the guest has seen. What the shop says now is held against it.

import { keep, kept } from '../core/page.js';
import { tax } from '../core/money.js';
import { extras, item, variant } from './menu.js';

const KEPT = 'comanda.cart';
export const QUANTITY_MAX = 99;

/** Reads the cart of this device. */
export function load() {
  const lines = kept(KEPT, []);
  return Array.isArray(lines) ? lines.filter((line) => line && line.slug && line.quantity > 0) : [];
}

/** Keeps the cart on this device. */
export function save(lines) {
  keep(KEPT, lines.length ? lines : null);
}

/** Two lines with the same key are the same wish. */
export function keyOf(line) {
  return [line.slug, line.size, ...[...line.options].sort()].join('|');
}

/** Adds a line, or more of one that is there. */
export function added(lines, line) {
  const key = keyOf(line);
  const same = lines.find((other) => keyOf(other) === key);
  if (!same) return [...lines, line];
  return lines.map((other) => (other === same ? { ...other, seen: line.seen, quantity: Math.min(QUANTITY_MAX, other.quantity + line.quantity) } : other));
}

/** Takes what was ordered out of the cart; what was put there since, or more of the same, stays. */
export function without(lines, ordered) {
  const taken = new Map();
  for (const { item: slug, size, options, quantity } of ordered) {
    const key = keyOf({ slug, size, options });
    taken.set(key, (taken.get(key) ?? 0) + quantity);
  }
  return lines.map((line) => ({ ...line, quantity: line.quantity - (taken.get(keyOf(line)) ?? 0) })).filter((line) => line.quantity > 0);
}

/** The price of one of a line as the menu has it now; `null` when it cannot be had. */
export function unit(menu, line) {
  const found = item(menu, line.slug);
  const size = variant(found, line.size);
  if (!size) return null;
  const chosen = line.options.map((slug) => extras(menu, found).find((option) => option.slug === slug));
  if (chosen.some((option) => !option)) return null;
  return chosen.reduce((sum, option) => sum + option.price.amount_minor, size.price.amount_minor);
}

/** Says what has become of a line since the guest saw it: `same`, `dearer`, `cheaper`, `sold_out` or `gone`. */
export function change(menu, line) {
  const found = item(menu, line.slug);
  const now = unit(menu, line);
  if (now === null) return 'gone';
  if (!found.available || variant(found, line.size).sold_out) return 'sold_out';
  if (line.seen !== undefined && now !== line.seen) return now > line.seen ? 'dearer' : 'cheaper';
  return 'same';
}

/** Tells whether a line can be ordered now. */
export function orderable(menu, line) {
  return !['gone', 'sold_out'].includes(change(menu, line));
}

/** Takes today's prices as seen. */
export function agreed(menu, lines) {
  return lines.map((line) => ({ ...line, seen: unit(menu, line) ?? line.seen }));
}

/** What it all costs now, reckoned as the platform does: the tax of each line is rounded once. */
export function total(menu, lines, delivered, tip = 0) {
  const can = lines.filter((line) => orderable(menu, line));
  const shop = menu.shop;
  let dishes = 0;
  let taxes = 0;
  for (const line of can) {
    const amount = unit(menu, line) * line.quantity;
    dishes += amount;
    const rate = item(menu, line.slug).tax_rate_bp;
    if (rate > 0) taxes += tax(amount, rate, shop.tax_included);
  }
  const fee = delivered && can.length ? shop.delivery_fee.amount_minor : 0;
  return { dishes, fee, tip, tax: taxes, included: shop.tax_included, sum: dishes + fee + tip + (shop.tax_included ? 0 : taxes), currency: shop.currency };
}
