// Small words that all views of the staff use.

import { named, number, t, has } from '../core/i18n.js';
import { house } from './house.js';

/** The last signs of an id: what people call out. */
export function short(id) {
  return (id || '').slice(-4).toUpperCase();
}

/** Writes a span as a kitchen clock does: 4:05, 1:02:09. */
export function timer(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (count) => String(count).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** Tells how long ago a moment was, by the platform's clock. */
export function since(at) {
  return at ? house.now - Date.parse(at) : 0;
}

/** Gives the name of a dish or of goods. */
export function dish(slug) {
  return named(house.dishes[slug]) || slug;
}

/** Gives the name of an option. */
export function extra(slug) {
  return named(house.extras[slug]) || slug.replaceAll('_', ' ').replaceAll('-', ' ');
}

/** Writes a size; what comes in one size needs none. */
export function sizeOf(size) {
  return size === 'unit' ? '' : size;
}

/** Gives the name of a kind of station: of the first station that has it. */
export function kind(slug) {
  const key = `kind.${slug}`;
  return has(key) ? t(key) : slug;
}

/** Writes how much there is of something: large weights in kilograms. */
export function much(units, unit) {
  if (unit === 'g' && Math.abs(units) >= 1000) return t('unit.kg', { n: number(units / 1000, { maximumFractionDigits: 2 }) });
  if (unit === 'ml' && Math.abs(units) >= 1000) return t('unit.l', { n: number(units / 1000, { maximumFractionDigits: 2 }) });
  return t(`unit.${unit}`, { n: number(units) });
}

/** Says a problem to people. */
export function wrong(error) {
  if (!error?.status) return t('wrong.network');
  return error.detail || error.title || t('wrong.other');
}
