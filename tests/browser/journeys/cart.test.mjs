// What can come between a full cart and an order: a size that has sold out, a shop that is closed.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { arrived, begin, fill, PEOPLE } from '../lib/guest.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { press } from '../lib/keyboard.mjs';

journey('s4_u02: a size sells out while it is in the cart, and another is taken with one press', {}, async ({ platform, open }) => {
  const page = await open('/', { screen: 'phone' });
  await begin(page);
  await page.getByRole('dialog').getByText('Medium').waitFor();
  await fill(page, PEOPLE.en);
  const { item_id, version } = await platform.look('/v1/items/margherita');
  assert.equal((await platform.send('PUT', `/v1/items/${item_id}/availability`, { available: false, size: 'M', version, reason: 'no dough of that size' })).status, 200);
  // The page knows nothing of it yet: the platform refuses, and nothing is placed.
  page.guard.allow(/status of 4/);
  await press(page, PEOPLE.en.place);
  const sheet = page.getByRole('dialog');
  await sheet.getByText('this size is sold out. Take another?').first().waitFor();
  assert.ok(await sheet.getByRole('button', { name: 'Something has changed: see above' }).isDisabled());
  assert.equal((await platform.look('/v1/orders/statistics')).orders, 0);
  await axe(page);
  await picture(page, 'size-sold-out-phone');
  await press(page, /^Instead: Margherita, Large/);
  await sheet.getByText('this size is sold out').first().waitFor({ state: 'hidden' });
  await press(page, PEOPLE.en.place);
  const order = await platform.look(`/v1/orders/${await arrived(page)}`);
  assert.deepEqual(order.lines.map(({ item, size, quantity }) => [item, size, quantity]), [['margherita', 'L', 1]]);
});

journey('s4_u02: a closed shop says when it opens, keeps the cart, and takes no order until then', {}, async ({ platform, open }) => {
  const page = await open('/', { screen: 'phone' });
  let hours = [];
  await page.route('**/v1/menu', async (route) => {
    const answer = await route.fetch({ headers: { ...route.request().headers(), 'if-none-match': '' } });
    const menu = await answer.json();
    menu.shop.opening = hours;
    await route.fulfill({ status: 200, headers: { 'cache-control': 'no-store' }, json: menu });
  });
  const { time_zone } = await platform.look('/v1/shop');
  const there = new Intl.DateTimeFormat('en', { timeZone: time_zone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).formatToParts(new Date());
  const minute = Number(there.find((part) => part.type === 'hour').value) * 60 + Number(there.find((part) => part.type === 'minute').value);
  // Open for a minute of every day, half a day away from now.
  const away = (minute + 720) % 1440;
  hours = Array.from({ length: 7 }, () => [{ opens_minute: away, closes_minute: away + 1 }]);
  await page.reload();
  const when = away > minute ? /^Closed, opens at \d+:\d\d [AP]M/ : /^Closed, opens tomorrow at \d+:\d\d [AP]M/;
  await page.getByText(when).first().waitFor();
  await begin(page);
  await fill(page, PEOPLE.en);
  const sheet = page.getByRole('dialog');
  await sheet.getByText(when).waitFor();
  await sheet.getByText('It stays here until we open.').waitFor();
  assert.ok(await sheet.getByRole('button', { name: 'Closed now' }).isDisabled());
  await page.locator('#field-address').press('Enter');
  assert.equal((await platform.look('/v1/orders/statistics')).orders, 0);
  await axe(page);
  await picture(page, 'closed-phone');
  // It opens: what was chosen is still there.
  hours = [];
  await page.reload();
  await press(page, /^1 dish/);
  await press(page, PEOPLE.en.place);
  await arrived(page);
});

journey('the hours of a shop are told by its own clock', {}, async ({ open }) => {
  const page = await open('/', {});
  await page.getByRole('heading', { name: 'Margherita' }).waitFor();
  const told = await page.evaluate(async () => {
    // A module that the page itself may have within its own script: here it stands alone, so it gets its words first.
    await (await import('/js/core/i18n.js')).load('shop');
    const { hoursText, open } = await import('/js/shop/hours.js');
    const day = (...spans) => spans.map(([opens_minute, closes_minute]) => ({ opens_minute, closes_minute }));
    // Open from 11 to 2 at night but on Monday and Tuesday; 2024-01-03 is a Wednesday, and New York is five hours behind.
    const shop = { time_zone: 'America/New_York', opening: [[], [], ...Array.from({ length: 5 }, () => day([660, 1560]))] };
    const at = (text) => new Date(`2024-01-${text}-05:00`);
    const say = (text) => [open(shop, at(text)).now, hoursText(shop, at(text))];
    return [say('03T10:59'), say('03T11:00'), say('04T01:59'), say('04T02:00'), say('08T01:30'), say('08T02:00'), say('09T12:00')];
  });
  assert.deepEqual(told.map(([now, text]) => [now, text.replaceAll('\u202f', ' ')]), [
    [false, 'Closed, opens at 11:00 AM'],
    [true, 'Open until 2:00 AM'],
    [true, 'Open until 2:00 AM'],
    [false, 'Closed, opens at 11:00 AM'],
    [true, 'Open until 2:00 AM'],
    [false, 'Closed, opens on Wednesday at 11:00 AM'],
    [false, 'Closed, opens tomorrow at 11:00 AM'],
  ]);
});

journey('s4_u01: a menu that comes late is asked for once, and the page is there before it', {}, async ({ open }) => {
  const page = await open('/offline', { screen: 'phone', serviceWorkers: 'block' });
  let asked = 0;
  await page.route('**/v1/menu', async (route) => {
    asked += 1;
    await page.locator('html.ready').waitFor({ state: 'attached' });
    await page.getByRole('heading', { name: 'Hot pizza' }).waitFor();
    await route.continue();
  });
  await page.goto('/', { waitUntil: 'commit' });
  await page.locator('.dish').nth(20).waitFor();
  assert.equal(asked, 1);
});
