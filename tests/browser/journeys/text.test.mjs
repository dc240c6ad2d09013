// Whatever a person writes is shown as text: markup and scripts in every field come back as they were written, on every page.

import assert from 'node:assert/strict';

import { journey } from '../lib/journey.mjs';
import { be, ready, signIn } from '../lib/people.mjs';

/** What would run, load or break out if it were taken for anything but text; `mark` tells which field it was. */
const hostile = (mark) =>
  `${mark}<img src=/${mark}-ran onerror="globalThis.ran='${mark}'"><script>globalThis.ran='${mark}'</script>"'\`><b>{{7*7}}\${7*7}</b><i x-text="globalThis.ran=1">`;
const inBoth = (mark) => ({ en: hostile(mark), ru: hostile(mark) });

/** Nothing of it has become an element, and nothing has run. */
async function isText(page, marks, name) {
  for (const mark of marks) await page.getByText(`${mark}<img src=/${mark}-ran`).first().waitFor({ state: 'attached' }).catch(() => assert.fail(`${mark} is not shown on ${name}`));
  const became = await page.evaluate(() => ({
    ran: globalThis.ran,
    elements: [...document.querySelectorAll('img[src*="-ran"], [onerror], script:not([src]), [x-text*="globalThis"], b b')].map((one) => one.outerHTML),
    counted: document.body.innerText.includes('49</b>'),
  }));
  assert.deepEqual(became, { ran: undefined, elements: [], counted: false }, name);
}

journey('whatever a person writes is shown as text', { settings: { kitchen_by_hand: 1, delivery_time_scale: 1 } }, async ({ platform, open }) => {
  const must = async (answer) => {
    const { status, body } = await answer;
    assert.ok(status < 300, `${status} ${JSON.stringify(body)}`);
    return body;
  };
  // What staff write: dishes, stations, stock.
  const { items } = await platform.look('/v1/items?limit=200');
  const margherita = items.find((item) => item.slug === 'margherita');
  const { item_id, from, changed_at, retired, ...sent } = margherita;
  const variants = sent.variants.map(({ price, ...variant }) => ({ ...variant, price_minor: price.amount_minor }));
  await must(platform.send('PUT', `/v1/items/${item_id}`, { ...sent, variants, name: inBoth('dish'), description: inBoth('about'), reason: hostile('why-dish') }));
  const { stations } = await platform.look('/v1/kitchen/stations');
  const [{ slug, kind, places, version }] = stations;
  await must(platform.send('PUT', '/v1/kitchen/stations', { slug, kind, places, version, name: inBoth('station'), reason: hostile('why-station') }));

  // What guests write, by the form of the shop and past it.
  const contact = { name: hostile('name'), phone: hostile('phone'), address: hostile('address'), note: hostile('note') };
  const guest = await platform.guest();
  const order = await platform.order({ contact }, guest);
  await platform.booked(order);
  const away = await platform.order({ contact, payment: { method: 'cash' } }, guest);
  await platform.bump(away);
  await platform.reaches(away, 'shipped');
  const ended = await platform.order({ contact }, guest);
  await platform.booked(ended);
  await must(platform.send('POST', `/v1/orders/${ended}/cancel`, { reason: hostile('why-cancel') }));
  await platform.reaches(ended, 'cancelled');

  const page = await open('/', { screen: 'phone' });
  await ready(page);
  await isText(page, ['dish', 'about'], '/');
  await page.locator('#search').fill(hostile('search'));
  await page.locator('.empty:visible').waitFor();
  await isText(page, [], 'a search in /');
  await be(page, guest);
  for (const id of [order, away, ended]) {
    await page.goto(`/order/${id}`);
    await isText(page, ['dish'], `the order page of ${id}`);
  }
  await page.goto('/orders');
  await ready(page);
  await isText(page, [], '/orders');

  const staff = await open('/staff', { screen: 'desk' });
  await signIn(staff, platform);
  const views = { board: ['dish'], kitchen: ['dish'], couriers: ['name', 'phone', 'address', 'note'], stock: [], menu: ['dish'], stations: ['station'], records: [] };
  for (const [view, marks] of Object.entries(views)) {
    await staff.goto(`/staff/${view}`);
    await staff.locator('h1:visible').first().waitFor();
    await isText(staff, marks, `/staff/${view}`);
  }
  await staff.goto('/staff/board');
  await staff.locator(`[data-order="${order}"] button`).first().click();
  await isText(staff, ['dish', 'name', 'phone', 'address', 'note'], 'an order of the board');
});
