// A hungry guest on a small phone: what is found is seen, a finger hits what it means, and the way back to the order is short.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { arrived, fill, PEOPLE, titled } from '../lib/guest.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { press } from '../lib/keyboard.mjs';
import { be } from '../lib/people.mjs';

const BY_HAND = { settings: { kitchen_by_hand: 1, kitchen_time_scale: 1, delivery_time_scale: 1 } };

/** What stands in two rows where one is meant. */
const crooked = (page) =>
  page.evaluate(() => {
    const tall = (part, most) => [...document.querySelectorAll(part)].filter((one) => one.checkVisibility() && one.getBoundingClientRect().height > most).map((one) => one.textContent.trim());
    return [...tall('.top__in', 72), ...tall('.dish__buy', 48), ...tall('.chip', 48)];
  });

for (const locale of ['en-US', 'ru-RU']) {
  const words = locale === 'ru-RU' ? { search: 'грибы', dish: 'Гавайская' } : { search: 'mushrooms', dish: 'Hawaiian' };
  journey(`s4_u01: on a small phone everything has its place, and what is found is in sight, ${locale}`, {}, async ({ open }) => {
    const page = await open('/', { screen: 'phone', locale });
    await page.locator('.dish').nth(20).waitFor();
    assert.deepEqual(await crooked(page), [], 'in two rows');
    const desk = await open('/', { screen: 'desk', locale });
    await desk.locator('.dish').nth(20).waitFor();
    assert.deepEqual(await crooked(desk), [], 'in two rows on a desk');
    // A finger on the picture chooses, too; the sheet comes from below.
    await page.locator('.dish', { hasText: words.dish }).locator('img').tap();
    await page.locator('.chooser[open]').waitFor();
    await page.waitForFunction(() => Math.abs(innerHeight - document.querySelector('.chooser').getBoundingClientRect().bottom) < 1);
    const split = await page.locator('.chooser__end .button:visible').evaluateAll((all) => all.filter((one) => one.getBoundingClientRect().height > 48).length);
    assert.equal(split, 0, 'a button in two rows');
    // However far down the list of what can be added, the way out is in sight.
    const out = await page.locator('.chooser').evaluate((one) => (one.scrollTo(0, one.scrollHeight), one.querySelector('.closer').getBoundingClientRect().top - one.getBoundingClientRect().top));
    assert.ok(out >= 0 && out < 40, `the way out stands ${out} px below the edge`);
    await axe(page);
    await page.keyboard.press('Escape');
    await page.locator('.chooser').waitFor({ state: 'hidden' });
    // The keys of a phone take the lower half: what is found stands above them.
    await page.evaluate(() => scrollTo(0, 0));
    await page.locator('#search').fill(words.search);
    await page.locator('.dish').nth(10).waitFor({ state: 'detached' });
    assert.equal(await page.locator('.dish').count(), 7, 'every dish with mushrooms, by whatever name');
    const top = await page.locator('.dish').first().evaluate((one) => one.getBoundingClientRect().top);
    assert.ok(top > 0 && top < 330, `the first dish stands at ${top} px`);
    await axe(page);
    await picture(page, `found-phone-${locale.slice(0, 2)}`);
    // Where nothing is found, the page stays where it was, and does not fall back to its beginning under the hand.
    const stands = () => page.locator('#search').evaluate((one) => Math.round(one.getBoundingClientRect().top));
    const before = await stands();
    await page.locator('#search').fill('zzzz');
    await page.locator('.dish').first().waitFor({ state: 'detached' });
    assert.equal(await stands(), before, 'where the search stands');
  });
}

journey('s4_u01_s4_u05: the menu leads back to the order that is on its way, and says its number', BY_HAND, async ({ open }) => {
  const page = await open('/', { screen: 'phone' });
  assert.ok(!(await page.getByText('You ordered at').isVisible()));
  await press(page, 'Add: Tiramisu');
  await press(page, /^1 dish/);
  await fill(page, PEOPLE.en);
  await press(page, PEOPLE.en.place);
  const order = await arrived(page);
  await page.getByText(`#${order.slice(-4).toUpperCase()}`, { exact: true }).waitFor();
  // Nothing of it is cooked, so nothing is said of a kitchen.
  await titled(page, /We are packing it|On its way/);
  assert.doesNotMatch(await page.locator('main').innerText(), /kitchen/i);
  await page.goto('/');
  await press(page, /^You ordered at \d/);
  await page.waitForURL(`**/order/${order}`);
  await axe(page);
});

journey('s4_u04: whoever presses “order again” twice gets it once', {}, async ({ platform, open }) => {
  const guest = await platform.guest();
  const order = await platform.order({ lines: [{ item: 'margherita', quantity: 2, size: 'M' }] }, guest);
  await platform.reaches(order, 'delivered');
  const page = await open('/', { screen: 'phone' });
  await be(page, guest);
  for (const path of ['/orders', `/order/${order}`]) {
    await page.goto(path);
    await page.getByRole('button', { name: /^Order again/ }).waitFor();
    await page.evaluate(() => {
      const button = [...document.querySelectorAll('button')].find((one) => one.textContent.trim() === 'Order again' && one.checkVisibility());
      button.click();
      button.click();
    });
    await page.locator('.checkout[open]').waitFor();
    assert.equal(await page.locator('.checkout .counter__n').innerText(), '2', path);
    await page.evaluate(() => localStorage.removeItem('comanda.cart'));
  }
});

journey('s4_u05: what was handed over on another day names that day, and a stranger reads of nobody’s cash', BY_HAND, async ({ platform, open }) => {
  const guest = await platform.guest();
  const order = await platform.order({ payment: { method: 'cash' } }, guest);
  await platform.booked(order);
  const page = await open('/', { screen: 'phone' });
  await be(page, guest);
  await page.goto(`/order/${order}`);
  await page.getByText('You pay in cash').waitFor();
  await page.locator('.receipt').getByText('To pay in cash').waitFor();
  const { share } = (await platform.send('GET', `/v1/orders/${order}/progress`, undefined, { as: guest })).body;
  const friend = await open(`/order/${share}`, { screen: 'phone' });
  await friend.getByText('To be paid in cash').waitFor();
  assert.doesNotMatch(await friend.locator('main').innerText(), /\byour?\b (?!see|how)/i);
  await platform.bump(order);
  await platform.reaches(order, 'shipped');
  await platform.send('POST', `/v1/deliveries/${order}/hand-over`, { proof: 'Ada', cash_taken_minor: 950 });
  await titled(page, 'Enjoy your meal');
  await page.getByText(/^Handed over at \d+:\d\d [AP]M\.$/).waitFor();
  await page.route('**/progress', async (route) => {
    const answer = await route.fetch();
    const told = await answer.json();
    told.delivery.delivered_at = '2024-03-09T17:05:00Z';
    await route.fulfill({ response: answer, json: told });
  });
  await page.reload();
  await page.getByText(/^Handed over March 9, 2024 at 12:05 PM\.$/).waitFor();
});
