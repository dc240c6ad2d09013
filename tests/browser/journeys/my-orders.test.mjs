// My orders, by pages; and what the menu promises to whoever may not eat everything.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { journey } from '../lib/journey.mjs';
import { press, tabTo } from '../lib/keyboard.mjs';
import { be } from '../lib/people.mjs';

journey('s4_u04: older orders come once, however often they are asked for', {}, async ({ platform, open }) => {
  const guest = await platform.guest();
  for (let count = 0; count < 22; count += 1) await platform.order({}, guest);
  const page = await open('/', { screen: 'phone', locale: 'ru-RU' });
  await be(page, guest);
  await page.goto('/orders');
  await page.locator('.past').nth(19).waitFor();
  let asked = 0;
  await page.route('**/v1/orders?*', async (route) => {
    asked += 1;
    // The answer waits until it was asked for twice and the page has said that it is looking.
    await page.getByRole('button', { name: 'Ищем…' }).waitFor();
    await route.continue();
  });
  await tabTo(page, 'Показать более ранние');
  await page.evaluate(() => {
    const button = [...document.querySelectorAll('button')].find((one) => one.textContent === 'Показать более ранние');
    button.click();
    button.click();
  });
  await page.locator('.past').nth(21).waitFor();
  assert.deepEqual([asked, await page.locator('.past').count()], [1, 22]);
  const tall = await page.locator('.past .actions').evaluateAll((all) => all.filter((one) => one.clientHeight > 48).length);
  assert.equal(tall, 0, 'two buttons of an order stand in two rows');
  const links = await page.locator('.past a').evaluateAll((all) => all.map((one) => one.href));
  assert.equal(new Set(links).size, 22);
  await axe(page);
});

journey('s4_u01: “without nuts” shows only what says so', {}, async ({ platform, open }) => {
  const { items } = await platform.look('/v1/menu');
  const page = await open('/', { screen: 'phone' });
  await page.getByRole('heading', { name: 'Margherita' }).waitFor();
  // One dish of the menu keeps silent about it.
  await page.route('**/v1/menu', async (route) => {
    const answer = await route.fetch();
    const menu = await answer.json();
    for (const item of menu.items) if (item.slug === 'hawaiian') delete item.attributes.nuts;
    await route.fulfill({ response: answer, json: menu });
  });
  await page.reload();
  await page.getByRole('heading', { name: 'Hawaiian' }).waitFor();
  await press(page, 'Without nuts');
  await page.getByRole('heading', { name: 'Hawaiian' }).waitFor({ state: 'detached' });
  const shown = await page.locator('.dish img').evaluateAll((all) => all.map((one) => one.getAttribute('src').match(/(\w+)\.svg/)[1]));
  const free = items.filter((item) => item.attributes.nuts === false && item.slug !== 'hawaiian').map((item) => item.slug);
  assert.deepEqual(shown.toSorted(), free.toSorted());
  assert.ok(free.length > 30 && !free.includes('ckn_pesto') && !free.includes('cantucci_box'));
});
