// What journeys of guests share: how fast the kitchen goes, the form filled by keyboard, the page of an order.

import { type } from './keyboard.mjs';

/** Slow enough to be watched: the kitchen takes some seconds, the courier too. */
export const WATCHED = { kitchen_time_scale: 90, delivery_time_scale: 90 };

export const PEOPLE = {
  en: { name: /Your name/, phone: /^Phone/, address: /^Address/, place: /^Order · / },
  ru: { name: /Как вас зовут/, phone: /^Телефон/, address: /^Адрес/, place: /^Заказать · / },
};

/** Fills the form by keyboard; the sheet is open and the focus is in it. */
export async function fill(page, words, { name = 'Anna', address = 'Lesnaya 5, flat 12' } = {}) {
  await type(page, words.name, name);
  await type(page, words.phone, '+1 555 0100');
  await type(page, words.address, address);
}

/** Waits for the page of an order and gives its id. */
export async function arrived(page, but) {
  await page.waitForURL((url) => url.pathname.startsWith('/order/') && !url.pathname.endsWith(but ?? ' '));
  await page.locator('#now-title').waitFor();
  return new URL(page.url()).pathname.split('/').pop();
}

export async function titled(page, text) {
  await page.locator('#now-title', { hasText: text }).waitFor({ timeout: 60000 });
}

/** Puts something that needs no choosing into the cart, or what its sheet offers first, and opens the checkout. */
export async function begin(page, dish = 'Margherita') {
  await page.getByRole('button', { name: new RegExp(`^(Add|Choose): ${dish}`) }).press('Enter');
  const chooser = page.locator('.chooser[open]');
  if (dish !== 'Tiramisu') {
    await chooser.locator('[type=submit]').press('Enter');
    await chooser.waitFor({ state: 'hidden' });
  }
  await page.getByRole('button', { name: /^\d+ dish/ }).press('Enter');
  await page.locator('.checkout[open]').waitFor();
}
