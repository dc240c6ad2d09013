// Without a connection: the page says so at whatever address, and goes on there by itself.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { arrived, begin, fill, PEOPLE, titled } from '../lib/guest.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { press } from '../lib/keyboard.mjs';

const DEAD = 'The oven is hot, but the line is dead';
const EXPECTED = [/net::|Failed to load|502|503/];

/** Waits until the device keeps what it needs for the time without a connection. */
const prepared = (page) =>
  page.evaluate(() => navigator.serviceWorker.ready.then((kept) => kept.active && new Promise((done) => (kept.active.state === 'activated' ? done() : kept.active.addEventListener('statechange', done)))));

journey('s4_c10: the shop says honestly that there is no connection, and goes on when it is back', {}, async ({ platform, open }) => {
  const page = await open('/', { screen: 'phone' });
  page.guard.allow(...EXPECTED);
  await prepared(page);
  await press(page, 'Add: Tiramisu');
  await platform.close();
  await page.goto('/').catch(() => {});
  await page.getByRole('heading', { name: DEAD }).waitFor();
  await page.getByText('1 dish waits in your order.').waitFor();
  assert.ok(!(await page.getByText('It is sent when the line is back').isVisible()), 'nothing was sent');
  await press(page, 'Try again');
  await page.locator('main').getByText('Still no answer. We keep knocking.').waitFor();
  await axe(page);
  await picture(page, 'offline-phone');
  await platform.open();
  await page.getByRole('heading', { name: 'Margherita' }).waitFor();
});

journey('s4_c10: whoever asked for an order or for all of them without a connection gets there when it is back', {}, async ({ platform, open }) => {
  const page = await open('/', { screen: 'phone', locale: 'ru-RU', scheme: 'dark' });
  page.guard.allow(...EXPECTED);
  await prepared(page);
  await page.getByRole('button', { name: 'В заказ: Тирамису' }).press('Enter');
  await press(page, /1 позиция/);
  await fill(page, PEOPLE.ru);
  await press(page, PEOPLE.ru.place);
  const order = await arrived(page);
  await titled(page, 'Приятного аппетита');
  for (const [path, shows] of [[`/order/${order}`, page.locator('#now-title')], ['/orders', page.locator('.past').first()]]) {
    await platform.close();
    await page.goto(path).catch(() => {});
    await page.getByRole('heading', { name: 'Печь горячая, а связи нет' }).waitFor();
    await platform.open();
    await shows.waitFor({ timeout: 30000 });
    assert.equal(new URL(page.url()).pathname, path);
  }
});

journey('s4_u03: an order that was sent and not answered goes on from wherever the line comes back', {}, async ({ platform, open }) => {
  const page = await open('/', { screen: 'phone' });
  page.guard.allow(...EXPECTED);
  await prepared(page);
  await begin(page, 'Tiramisu');
  await fill(page, PEOPLE.en);
  await page.route('**/v1/orders', async (route) => {
    await route.fetch();
    await platform.close();
    await route.abort('internetdisconnected');
  }, { times: 1 });
  await press(page, PEOPLE.en.place);
  await page.locator('.checkout__end').getByText('The connection is gone.').waitFor();
  await page.goto('/orders').catch(() => {});
  await page.getByText('It is sent when the line is back, and placed only once.').waitFor();
  await platform.open();
  await arrived(page);
  assert.equal((await platform.look('/v1/orders/statistics')).orders, 1);
});
