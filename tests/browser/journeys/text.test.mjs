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

/** All acts of a service and what was written into them. */
async function acts(platform, services) {
  const all = await Promise.all(services.map((service) => platform.look(`/v1/services/${service}/acts?limit=100`)));
  return JSON.stringify(all);
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
  const left = await platform.order({ contact }, guest);
  await must(platform.send('POST', `/v1/orders/${left}/cancel`, { reason: hostile('why-left') }, { as: guest }));
  await platform.reaches(left, 'cancelled');

  // At the door, and behind the counter.
  const handed = await platform.order({ contact }, guest);
  await platform.bump(handed);
  await platform.reaches(handed, 'shipped');
  await must(platform.send('POST', `/v1/deliveries/${handed}/hand-over`, { proof: hostile('proof'), cash_taken_minor: 0 }));
  await platform.reaches(handed, 'delivered');
  const missed = await platform.order({ contact }, guest);
  await platform.bump(missed);
  await platform.reaches(missed, 'shipped');
  await must(platform.send('POST', `/v1/deliveries/${missed}/give-up`, { reason: hostile('why-missed') }));
  await platform.reaches(missed, 'cancelled');
  const { levels } = await platform.look('/v1/stock?limit=200');
  for (const act of ['receive', 'count', 'waste']) {
    const { version } = await platform.look(`/v1/stock/${levels[0].stock_id}`);
    await must(platform.send('POST', `/v1/stock/${levels[0].stock_id}/${act}`, { quantity: 5, version, reason: hostile(`why-${act}`) }));
  }
  await must(platform.send('POST', '/v1/stock', { slug: 'odd', name: inBoth('stock'), unit: 'g', low_at: 10, initial: 1, reason: hostile('why-stock') }));
  const pepperoni = await platform.look('/v1/items/pepperoni');
  await must(platform.send('PUT', `/v1/items/${pepperoni.item_id}/availability`, { available: false, version: pepperoni.version, reason: hostile('why-out') }));
  const payment = await platform.look(`/v1/orders/${handed}/payment`);
  await must(platform.send('POST', `/v1/payments/${payment.payment_id}/refund`, { amount_minor: 100, reason: hostile('why-refund') }));
  // What no page shows has been written down as it was written, not mended.
  const written = await acts(platform, ['inventory', 'orders', 'payments', 'kitchen', 'delivery']);
  for (const mark of ['why-station', 'why-receive', 'why-count', 'why-waste', 'why-stock', 'why-refund', 'why-cancel', 'why-missed']) {
    assert.ok(written.includes(JSON.stringify(hostile(mark)).slice(1, -1)), `${mark} is not kept as it was written`);
  }

  const page = await open('/', { screen: 'phone' });
  await ready(page);
  await isText(page, ['dish', 'about'], '/');
  await page.locator('#search').fill(hostile('search'));
  await page.locator('.empty:visible').waitFor();
  await isText(page, [], 'a search in /');
  // Every field of the form; what is refused is shown in its field, and said to be wrong.
  await page.locator('#search').fill('');
  await page.getByRole('button', { name: /^Add: Tiramisu/ }).press('Enter');
  await page.getByRole('button', { name: /^1 dish/ }).press('Enter');
  // The sheet takes the focus once it is open: a key that is pressed before would go to its title.
  await page.locator('#sheet-title:focus').waitFor();
  await page.locator('.extra summary').press('Enter');
  const typed = { name: hostile('own-name'), phone: hostile('own-phone').slice(0, 40), address: hostile('own-address'), email: hostile('own-email'), note: hostile('own-note') };
  for (const [field, text] of Object.entries(typed)) await page.locator(`#field-${field}`).fill(text);
  await page.locator('.checkout [type=submit]').press('Enter');
  await page.locator('#wrong-phone').getByText('Only digits').waitFor();
  await page.locator('#wrong-email').getByText('does not look like').waitFor();
  await isText(page, [], 'a form that is wrong');
  await page.locator('#field-phone').fill('+1 555 0100');
  await page.locator('#field-email').fill("own-email<img/src=/own-email-ran/onerror=globalThis.ran='e'>@host.example");
  await page.locator('.checkout [type=submit]').press('Enter');
  await page.waitForURL('**/order/*');
  await isText(page, ['own-address'], 'the page of an order from the form');
  const own = new URL(page.url()).pathname.split('/').pop();
  await page.goto('/#cart');
  await page.locator('.checkout[open]').waitFor();
  assert.equal(await page.locator('#field-name').inputValue(), typed.name);
  await isText(page, [], 'the form when it is opened again');
  const asked = await platform.look(`/v1/orders/${own}/contact`);
  assert.deepEqual([asked.name, asked.address, asked.note], [typed.name, typed.address, typed.note]);
  assert.ok(asked.email.includes('own-email<img'));

  await be(page, guest);
  const all = { [order]: 'now', [away]: 'now', [ended]: 'why', [left]: 'why', [handed]: 'now', [missed]: 'why' };
  for (const id of Object.keys(all)) {
    await page.goto(`/order/${id}`);
    await page.locator('#now-title').waitFor();
    await isText(page, ['dish'], `the order page of ${id}`);
    const { share } = (await platform.send('GET', `/v1/orders/${id}/progress`, undefined, { as: guest })).body;
    await page.goto(`/order/${share}`);
    await page.locator('#now-title').waitFor();
    await isText(page, ['dish'], `the shared page of ${id}`);
  }
  await page.goto('/orders');
  await page.locator('.past').nth(Object.keys(all).length - 1).waitFor();
  await isText(page, ['dish'], '/orders');

  const staff = await open('/staff', { screen: 'desk' });
  await signIn(staff, platform);
  const views = { board: ['dish'], kitchen: ['dish', 'note'], couriers: ['name', 'phone', 'address', 'note'], stock: ['stock'], menu: ['dish'], stations: ['station'], records: [] };
  for (const [view, marks] of Object.entries(views)) {
    await staff.goto(`/staff/${view}`);
    await staff.locator('h1:visible').first().waitFor();
    await isText(staff, marks, `/staff/${view}`);
  }
  const lists = { catalog: ['dish'], inventory: ['stock'], orders: [], payments: [], kitchen: [], delivery: [], notifications: [], analytics: [] };
  const chips = staff.locator('[x-data=records] .chip, .chip[aria-pressed]');
  for (const [place, service] of Object.keys(lists).entries()) {
    await staff.goto('/staff/records');
    await chips.nth(place).click();
    await staff.locator('td:visible').first().waitFor();
    await isText(staff, lists[service], `the records of ${service}`);
  }
  await staff.goto('/staff/board');
  await staff.locator(`[data-order="${order}"] button`).first().click();
  await isText(staff, ['dish', 'name', 'phone', 'address', 'note'], 'an order of the board');
});
