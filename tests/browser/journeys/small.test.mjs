// The smallest screen that pages must fit without scrolling sideways (320 px, as at 400 % on a desk), the largest letters, and colours of
// the system.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { press, tabTo } from '../lib/keyboard.mjs';
import { be } from '../lib/people.mjs';

/** Nothing is wider than the screen, or than the sheet that lies over it. */
async function fits(page, name) {
  const over = await page.evaluate(() => {
    const sheet = document.querySelector('dialog[open]') ?? document.body;
    return Math.max(document.documentElement.scrollWidth - innerWidth, sheet.scrollWidth - sheet.clientWidth);
  });
  assert.ok(over <= 0, `${name} is ${over} px too wide`);
  await axe(page, name);
}

for (const locale of ['en-US', 'ru-RU']) {
  const words = locale === 'ru-RU' ? { cart: /позици/, remove: /^Убрать: /, empty: 'Пока пусто.' } : { cart: /^1 dish/, remove: /^Remove /, empty: 'Nothing here yet.' };
  journey(`s4_c10: every page of a guest fits 320 pixels, ${locale}`, { settings: { kitchen_by_hand: 1, delivery_time_scale: 1 } }, async ({ platform, open }) => {
    const guest = await platform.guest();
    const cooking = await platform.order({ lines: [{ item: 'mediterraneo', size: 'M', quantity: 12, options: ['gluten_free_base', 'extra_cheese'] }] }, guest);
    const declined = await platform.order({ payment: { method: 'card', card_token: 'tok_declined' } }, guest);
    await platform.booked(cooking);
    await platform.reaches(declined, 'cancelled');
    // As high as a desk's screen is at 400 %.
    const page = await open('/', { locale, viewport: { width: 320, height: 256 } });
    await page.locator('.dish').first().waitFor();
    await fits(page, '/');
    await page.locator('.dish', { has: page.locator('img[src*="/mediterraneo."]') }).getByRole('button').press('Enter');
    await page.locator('.chooser[open]').waitFor();
    await fits(page, 'the sheet of a dish');
    await page.locator('.chooser[open] [type=submit]').press('Enter');
    await page.locator('.chooser').waitFor({ state: 'hidden' });
    await press(page, words.cart);
    await page.locator('.checkout[open]').waitFor();
    await fits(page, 'the checkout');
    await page.locator('.checkout [type=submit]').press('Enter');
    await page.locator('#field-name:focus').waitFor();
    await fits(page, 'the checkout with what is missing');
    await tabTo(page, words.remove, { back: true });
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').getByText(words.empty).waitFor();
    await page.locator('#sheet-title:focus').waitFor();
    await be(page, guest);
    page.guard.allow(/404/);
    const { share } = (await platform.send('GET', `/v1/orders/${cooking}/progress`, undefined, { as: guest })).body;
    for (const [path, content] of [[`/order/${cooking}`, '.receipt li'], [`/order/${declined}`, '.receipt li'], [`/order/${share}`, '.receipt li'], ['/orders', '.past'], ['/offline', 'h1'], ['/no/such', 'h1']]) {
      await page.goto(path);
      await page.locator(content).first().waitFor();
      await fits(page, path);
    }
  });
}

for (const locale of ['en-US', 'ru-RU']) {
  journey(`s4_c10: guests read every page in letters of twice the size, ${locale}`, { settings: { kitchen_by_hand: 1, delivery_time_scale: 1 } }, async ({ platform, open }) => {
    const guest = await platform.guest();
    const cooking = await platform.order({ lines: [{ item: 'mediterraneo', size: 'M', quantity: 12, options: ['gluten_free_base', 'extra_cheese'] }] }, guest);
    const declined = await platform.order({ payment: { method: 'card', card_token: 'tok_declined' } }, guest);
    await platform.booked(cooking);
    await platform.reaches(declined, 'cancelled');
    for (const viewport of [{ width: 360, height: 740 }, { width: 1280, height: 800 }]) {
      const page = await open('/offline', { locale, viewport });
      const tools = await page.context().newCDPSession(page);
      await tools.send('Page.setFontSizes', { fontSizes: { standard: 32, fixed: 26 } });
      await be(page, guest);
      await page.goto('/');
      assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize), '32px');
      await page.locator('.dish').first().waitFor();
      await fits(page, `/ at ${viewport.width}`);
      await page.locator('.dish', { has: page.locator('img[src*="/mediterraneo."]') }).getByRole('button').press('Enter');
      await page.locator('.chooser[open]').waitFor();
      await fits(page, `the sheet of a dish at ${viewport.width}`);
      await picture(page, `large-dish-${viewport.width}-${locale.slice(0, 2)}`);
      await page.locator('.chooser[open] [type=submit]').press('Enter');
      await page.locator('.chooser').waitFor({ state: 'hidden' });
      await page.locator('.basket button:visible, .side button:visible').first().press('Enter');
      await page.locator('.checkout[open]').waitFor();
      await fits(page, `the checkout at ${viewport.width}`);
      await picture(page, `large-checkout-${viewport.width}-${locale.slice(0, 2)}`);
      for (const [path, content] of [[`/order/${cooking}`, '.receipt li'], [`/order/${declined}`, '.receipt li'], ['/orders', '.past'], ['/offline', 'h1']]) {
        await page.goto(path);
        await page.locator(content).first().waitFor();
        await fits(page, `${path} at ${viewport.width}`);
        await picture(page, `large${path.replace(/ord_.*/, '').replaceAll('/', '-')}-${viewport.width}-${locale.slice(0, 2)}`);
      }
    }
  });
}

journey('s4_c10: what is chosen and how far an order is can be seen in the colours of the system', { settings: { kitchen_by_hand: 1 } }, async ({ platform, open }) => {
  const guest = await platform.guest();
  const order = await platform.order({}, guest);
  await platform.booked(order);
  const page = await open('/', { screen: 'phone', forcedColors: 'active' });
  await page.getByRole('button', { name: 'Choose: Margherita' }).press('Enter');
  const outlines = await page.locator('.choice--size').evaluateAll((all) => all.map((one) => [one.querySelector('input').checked, getComputedStyle(one).outlineStyle]));
  assert.deepEqual(outlines, [[false, 'none'], [true, 'solid'], [false, 'none']]);
  await picture(page, 'forced-dish-phone');
  await be(page, guest);
  await page.goto(`/order/${order}`);
  await page.locator('.track__part--done').first().waitFor();
  const colours = await page.locator('.track__part').evaluateAll((all) => all.map((one) => getComputedStyle(one).backgroundColor));
  assert.equal(new Set(colours).size, 3, colours.join(' '));
  await picture(page, 'forced-order-phone');
});
