// Money: whole minor units with a currency, as the platform has it. Never a float that is reckoned with.

import { maker } from './i18n.js';

const decimals = new Map();

const writer = (currency) => maker('NumberFormat', { style: 'currency', currency, currencyDisplay: 'narrowSymbol' });

/** Gives how many decimals a currency has. */
export function decimalsOf(currency) {
  if (!decimals.has(currency)) {
    decimals.set(currency, writer(currency).resolvedOptions().maximumFractionDigits);
  }
  return decimals.get(currency);
}

/** Writes an amount of minor units as the language does. */
export function show(minor, currency) {
  if (!currency) return '';
  return writer(currency).format(minor / 10 ** decimalsOf(currency));
}

/** Writes the platform's money: `{amount_minor, currency}`. */
export function money(amount) {
  return amount ? show(amount.amount_minor, amount.currency) : '';
}

/** Reads what a person typed as an amount into minor units; `null` when it is none. Both comma and point are decimal. */
export function parse(text, currency) {
  const places = decimalsOf(currency);
  const found = /^\s*(\d{1,9})(?:[.,](\d+))?\s*$/.exec(text);
  if (!found || (found[2] || '').length > places) return null;
  return Number(found[1] + (found[2] || '').padEnd(places, '0'));
}

/** The tax of a line at a rate in basis points, rounded once, half away from zero, as the platform reckons it. */
export function tax(minor, rate, included) {
  const [over, under] = included ? [minor * rate, 10000 + rate] : [minor * rate, 10000];
  return Math.floor((2 * over + under) / (2 * under));
}
