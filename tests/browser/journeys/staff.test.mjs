// The rest of the house: the board, couriers, stock and the menu, by keyboard, through a cut network, against stale edits.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { focusComes, press, tabTo, type } from '../lib/keyboard.mjs';
import { everyLook, signIn } from '../lib/staff.mjs';

const SLOW = { kitchen_time_scale: 1, kitchen_by_hand: 1, delivery_time_scale: 1 };
/** What guests may write into a field; it must come out as text. */
const MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script> & {{1+1}} ${1}';
const short = (order) => order.slice(-4).toUpperCase();

journey('s0_u03: a wrong token is refused, the right one is kept in the tab alone and forgotten on leaving', {}, async ({ platform, open }) => {
  const page = await open('/staff');
  page.guard.allow(/401 \(Unauthorized\)/);
  await type(page, 'Staff token', 'a guess');
  await page.keyboard.press('Enter');
  await page.getByText('This is not the staff token').waitFor();
  await everyLook(page, 'sign-in');
  await page.locator('#token').fill('');
  await signIn(page, platform);
  assert.deepEqual(await page.evaluate(() => Object.values(localStorage).filter((value) => value.length > 30)), []);
  assert.ok(!page.url().includes(platform.staff));
  await page.reload();
  await page.locator('.live[data-live="live"]').waitFor();
  await press(page, 'Sign out');
  await page.locator('#token').waitFor();
  await page.reload();
  await page.locator('#token').waitFor();
});

journey('s0_u03: the board shows an order of markup as text, misses nothing in a cut, and cancels with a reason', { settings: SLOW }, async ({ platform, open }) => {
  const page = await open('/staff');
  await signIn(page, platform);
  const contact = { name: MARKUP, phone: '+1 555 0100', address: `${MARKUP} 1`, note: MARKUP };
  const order = await platform.order({ contact, payment: { method: 'cash' } });
  await page.locator(`[data-order="${order}"]`).waitFor();

  page.guard.allow(/ERR_INTERNET_DISCONNECTED/);
  await page.context().setOffline(true);
  await page.getByText('No connection. What you see').waitFor();
  const meanwhile = await platform.order();
  await page.context().setOffline(false);
  await page.locator(`[data-order="${meanwhile}"]`).waitFor();
  await page.locator('.live[data-live="live"]').waitFor();
  await everyLook(page, 'board');

  await press(page, `#${short(order)}`);
  await page.getByText(MARKUP, { exact: true }).first().waitFor();
  assert.ok(!/^[12]$/.test(await page.title()), 'nothing ran');
  await axe(page);
  await press(page, 'Cancel the order');
  await page.locator('#asking').waitFor();
  await type(page, 'Reason', MARKUP);
  await page.keyboard.press('Enter');
  await platform.reaches(order, 'cancelled');
  await page.locator(`[data-column="ended"] [data-order="${order}"]`).waitFor();

  page.guard.allow(/503 \(Service Unavailable\)/);
  await platform.command('pause', 'kitchen');
  await page.reload();
  await page.getByText('Kitchen is paused').waitFor();
  await platform.command('resume', 'kitchen');
});

journey('s0_u03: a courier takes the cash and hands over', { settings: { delivery_time_scale: 1 } }, async ({ platform, open }) => {
  const order = await platform.order({ payment: { method: 'cash' } });
  const lost = await platform.order({ payment: { method: 'cash' } });
  for (const one of [order, lost]) await platform.reaches(one, 'shipped');
  const page = await open('/staff/couriers', { screen: 'phone' });
  await signIn(page, platform);
  await page.locator(`[data-order="${order}"]`).getByText('1 Test Street').waitFor();
  await everyLook(page, 'couriers');
  await press(page, `Handed over: #${short(order)}`);
  await page.locator('#asking').waitFor();
  await axe(page);
  await type(page, 'Cash taken', 'much');
  await page.keyboard.press('Enter');
  await page.getByText('Enter an amount').waitFor();
  await type(page, 'Cash taken', '9.50');
  await press(page, /^Handed over$/);
  await platform.reaches(order, 'delivered');
  await platform.eventually('the cash is in the books', async () => (await platform.look(`/v1/orders/${order}/payment`)).taken.amount_minor === 950);

  await press(page, `Give up: #${short(lost)}`);
  await press(page, 'Nobody was there');
  await press(page, /^Give up$/);
  await platform.reaches(lost, 'cancelled');
  await page.getByText('Nobody is on the way').waitFor();
});

journey('s0_u03: stock is counted, runs low, is received and wasted', {}, async ({ platform, open }) => {
  const page = await open('/staff/stock');
  await signIn(page, platform);
  const level = async () => platform.look('/v1/stock/anchovies');
  const row = page.locator('[data-stock="anchovies"]');
  await row.waitFor();
  await type(page, /^Find in stock$/, 'anchovy');
  const edit = async (verb, much, yes) => {
    await press(page, new RegExp(`^${verb}: Anchovy fillets$`));
    await page.locator('#asking').waitFor();
    await type(page, 'How much, in pieces', much);
    if (verb === 'Waste') await press(page, 'Spoilt');
    await press(page, yes);
    await page.locator('#asking').waitFor({ state: 'hidden' });
  };
  await edit('Count', '12', 'This is what there is');
  await row.getByText('low: at or below').waitFor();
  await page.getByText('1 thing runs low').waitFor();
  await page.locator('.toast', { hasText: 'Runs low: Anchovy fillets' }).waitFor();
  assert.equal((await level()).available, 12);
  await everyLook(page, 'stock');

  const before = await level();
  await press(page, /^Waste: Anchovy fillets$/);
  await page.locator('#asking').waitFor();
  await platform.send('POST', `/v1/stock/${before.stock_id}/receive`, { quantity: 5 });
  page.guard.allow(/409 \(Conflict\)/);
  await type(page, 'How much, in pieces', '2');
  await press(page, 'Dropped');
  await press(page, 'Write off');
  await page.getByText('You saw 12 pcs').waitFor();
  await page.getByText('Now it is 17 pcs').waitFor();
  await press(page, 'Do it all the same');
  await platform.eventually('two were wasted', async () => (await level()).available === 15);

  await edit('Receive', '5000', /^Receive$/);
  await platform.eventually('it came in', async () => (await level()).available === 5015);
  await row.getByText('low: at or below').waitFor({ state: 'hidden' });

  // The books have grams where the list shows kilograms: what is typed is said in the list's words before it is kept.
  await type(page, /^Find in stock$/, 'asiago');
  await press(page, /^Receive: Asiago/);
  await page.locator('#asking').waitFor();
  await type(page, 'How much, in grams', '2500');
  await page.locator('#asking').getByText('That is 2.5 kg.').waitFor();
});

journey('s0_u03: whoever opens the next question in the moment the last one closes is asked', {}, async ({ platform, open }) => {
  const page = await open('/staff/stock');
  await signIn(page, platform);
  await type(page, /^Find in stock$/, 'anchovy');
  const asking = page.locator('#asking');
  for (const finger of ['in the same moment', 'a moment later']) {
    await press(page, /^Receive: Anchovy fillets$/);
    await asking.getByText('How much, in pieces').waitFor();
    await page.evaluate(async (finger) => {
      const dialog = document.getElementById('asking');
      const told = new Promise((heard) => dialog.addEventListener('close', heard, { once: true }));
      dialog.close();
      if (finger === 'a moment later') await Promise.resolve();
      [...document.querySelectorAll('[data-stock="anchovies"] button')].find((button) => button.textContent.startsWith('Waste')).click();
      await told;
    }, finger);
    await asking.getByText('Spoilt').waitFor();
    await page.keyboard.press('Escape');
    await asking.waitFor({ state: 'hidden' });
  }
});

journey('s0_u03: goods whose receipt was lost and is pressed again come in once', {}, async ({ platform, open }) => {
  const page = await open('/staff/stock', { locale: 'ru-RU' });
  await signIn(page, platform);
  const level = async () => (await platform.look('/v1/stock/anchovies')).available;
  const before = await level();
  page.guard.allow(/ERR_FAILED/);
  const keys = [];
  // The platform hears everything; only its answers are lost.
  await page.route('**/receive', async (route) => {
    keys.push(route.request().headers()['idempotency-key']);
    await route.fetch();
    await route.abort();
  });
  await type(page, /^Найти на складе$/, 'анчоус');
  await press(page, /^Принять: Филе анчоусов$/);
  await page.locator('#asking').waitFor();
  await type(page, 'Сколько, в штуках', '10');
  await page.keyboard.press('Enter');
  await page.getByText('дважды ничего не сделается').first().waitFor({ timeout: 30000 });
  assert.equal(await level(), before + 10, 'the platform heard it');
  await page.unroute('**/receive');
  await picture(page, 'stock-lost-ru');
  await press(page, /^Принять$/);
  await page.locator('#asking').waitFor({ state: 'hidden' });
  assert.equal(await level(), before + 10, 'pressing again brought it in twice');
  assert.equal(new Set(keys).size, 1);
  await focusComes(page, /^Принять: Филе анчоусов$/);
  // The next delivery of as much is another one.
  await page.keyboard.press('Enter');
  await page.locator('#asking').waitFor();
  await type(page, 'Сколько, в штуках', '10');
  await page.keyboard.press('Enter');
  await page.locator('#asking').waitFor({ state: 'hidden' });
  assert.equal(await level(), before + 20);
});

journey('s0_u03: what waits to be fetched is late for nobody and is handed over the counter', { settings: SLOW }, async ({ platform, open }) => {
  const settings = await platform.look('/v1/deliveries/settings');
  assert.equal((await platform.send('PUT', '/v1/deliveries/settings', { ...settings, by_itself: false })).status, 200);
  const orders = [];
  for (const name of ['Ada', 'Grace']) {
    orders.push(await platform.order({ fulfilment: 'pickup', payment: { method: 'cash' }, contact: { name, phone: '+1 555 0100' } }));
  }
  orders.push(await platform.order());
  for (const order of orders) {
    await platform.booked(order);
    await platform.bump(order);
  }
  for (const order of orders) await platform.reaches(order, 'shipped');
  const page = await open('/staff/couriers', { screen: 'phone' });
  await signIn(page, platform);
  const waits = page.locator('.group', { hasText: 'Ready to be fetched' });
  await waits.getByText('Ada').waitFor();
  await waits.getByText(/^waits 0:0[1-9]/).first().waitFor();
  assert.equal(await page.getByText(/^late by/).count(), 0);
  assert.equal(await waits.locator('.ride--late').count(), 0);
  await axe(page);
  await picture(page, 'pickups-phone');
  await press(page, `Handed over: #${short(orders[0])}`);
  await page.locator('#asking').waitFor();
  await press(page, /^Handed over$/);
  await platform.reaches(orders[0], 'delivered');
  await page.locator(`[data-order="${orders[0]}"]`).waitFor({ state: 'detached' });
  // The focus goes on to the next one.
  await focusComes(page, new RegExp(`^Handed over: #${short(orders[1])}$`));
  await page.goto('/staff');
  await page.locator(`[data-column="ready"] [data-order="${orders[1]}"]`).waitFor();
  assert.equal(await page.locator('.slip--late').count(), 0);
});

journey('s0_u03: the board says what became of the money, follows at once, and keeps its place', { settings: SLOW }, async ({ platform, open }) => {
  const page = await open('/staff');
  await signIn(page, platform);
  const declined = await platform.order({ payment: { method: 'card', card_token: 'tok_declined' } });
  const [paid, next] = [await platform.order(), await platform.order({ payment: { method: 'cash' } })];
  const slip = (column, order) => page.locator(`[data-column="${column}"] [data-order="${order}"]`);
  await slip('ended', declined).getByText('Card declined').waitFor();
  await slip('cooking', paid).waitFor();
  await slip('cooking', next).waitFor();
  await press(page, `#${short(paid)}`);
  await page.locator('#detail[open]').waitFor();
  await press(page, 'Cancel the order');
  await page.locator('#asking[open]').waitFor();
  await press(page, 'The guest asked');
  await press(page, /^Cancel it$/);
  await slip('ended', paid).getByText('Given back').waitFor();
  await focusComes(page, new RegExp(`#${short(next)}`));
  await picture(page, 'board-ended');
  await page.reload();
  await slip('ended', paid).getByText('Given back').waitFor();
  await slip('ended', declined).getByText('Card declined').waitFor();

  // A token that is known no more closes what is open and asks for another.
  page.guard.allow(/401 \(Unauthorized\)/);
  await press(page, `#${short(next)}`);
  await page.locator('#detail[open]').waitFor();
  await press(page, 'Cancel the order');
  await page.locator('#asking[open]').waitFor();
  await press(page, 'The guest asked');
  await page.route('**/cancel', (route) => route.fulfill({ status: 401, contentType: 'application/problem+json', body: '{"code":"token_unknown","title":"no"}' }));
  await press(page, /^Cancel it$/);
  await page.locator('#token:focus').waitFor();
  assert.equal(await page.locator('dialog[open]').count(), 0);
  await axe(page);
});

journey('s0_u03: a list that lags behind what an event said is asked again until it shows it', { settings: SLOW }, async ({ platform, open }) => {
  const order = await platform.order({ payment: { method: 'cash' } });
  await platform.reaches(order, 'cooking');
  const page = await open('/staff');
  await signIn(page, platform);
  const slip = page.locator(`[data-column="cooking"] [data-order="${order}"]`);
  await slip.waitFor();
  // Whoever keeps the board has not heard of it yet, for longer than any further event would have the page look again.
  const old = JSON.stringify(await platform.look('/v1/board?limit=200'));
  let told = 0;
  await page.route('**/v1/board?*', (route) => ((told += 1) <= 8 ? route.fulfill({ contentType: 'application/json', body: old }) : route.continue()));
  assert.equal((await platform.send('POST', `/v1/orders/${order}/cancel`, { reason: 'a mistake' })).status, 200);
  await slip.waitFor({ state: 'detached' });
  await page.locator(`[data-column="ended"] [data-order="${order}"]`).waitFor();
  assert.ok(told > 8);
});

journey('s0_u03: a stale price is refused and explained with both values, and a dish is sold out', {}, async ({ platform, open }) => {
  const page = await open('/staff/menu');
  await signIn(page, platform);
  const item = async () => platform.look('/v1/items/margherita');
  const priced = async (cents) => {
    const { item_id, slug, kind, category, name, description, attributes, steps, tax_rate_bp, available, version, variants } = await item();
    const sizes = variants.map((one) => ({ size: one.size, price_minor: one.size === 'M' ? cents : one.price.amount_minor, needs: one.needs, percent: one.percent, sold_out: one.sold_out }));
    return platform.send('PUT', `/v1/items/${item_id}`, { slug, kind, category, name, description, attributes, steps, tax_rate_bp, available, version, variants: sizes });
  };
  await page.locator('[data-item="margherita"]').waitFor();
  await everyLook(page, 'menu');
  const start = await item();
  await press(page, /change the price of Margherita M/);
  await page.locator('#asking').waitFor();
  assert.equal((await priced(1400)).status, 200);
  page.guard.allow(/409 \(Conflict\)/);
  await type(page, 'New price', '13.75');
  await press(page, 'Set the price');
  await page.getByText('You saw $12.25').waitFor();
  await page.getByText('Now it is $14.00').waitFor();
  await page.getByText('You want $13.75').waitFor();
  assert.equal((await item()).variants.find((one) => one.size === 'M').price.amount_minor, 1400, 'nothing was kept');
  await axe(page);
  await picture(page, 'stale-price');
  await press(page, 'Set mine');
  await page.locator('#asking').waitFor({ state: 'hidden' });
  const after = await item();
  const rest = ({ variants }) => variants.map(({ size, needs, percent }) => ({ size, needs, percent }));
  assert.equal(after.variants.find((one) => one.size === 'M').price.amount_minor, 1375);
  assert.deepEqual(rest(after), rest(start), 'an edit of a price leaves the recipe alone');

  await press(page, 'Margherita L: on sale', 'Space');
  await platform.eventually('it is sold out', async () => (await item()).variants.find((one) => one.size === 'L').sold_out);
  // The page says so when it has its answer, which is after the service has kept it.
  await page.getByRole('switch', { name: 'Margherita L: on sale', checked: false }).waitFor();
  await tabTo(page, 'Margherita L: on sale');
});

journey('s0_u03: the page shows the records that each service holds', { settings: { ...SLOW, kitchen_time_scale: 20 } }, async ({ platform, open }) => {
  const [first, order, cooking] = [await platform.order(), await platform.order(), await platform.order()];
  for (const one of [first, order]) {
    await platform.reaches(one, 'cooking');
    assert.equal((await platform.send('POST', `/v1/kitchen/tickets/${one}/bump`, {})).status, 200);
    await platform.reaches(one, 'shipped');
  }
  assert.equal((await platform.send('POST', `/v1/deliveries/${first}/hand-over`, { proof: 'Ada' })).status, 200);
  await platform.reaches(cooking, 'cooking');
  const page = await open('/staff/records');
  await signIn(page, platform);
  const holds = {
    Menu: ['margherita', 'catalog'],
    Stock: ['mozzarella', 'inventory'],
    Orders: [order, 'orders'],
    Payments: [order, 'payments'],
    Kitchen: [cooking, 'kitchen'],
    Delivery: [first, 'delivery'],
    Messages: [cooking, 'notifications'],
    Analytics: ['margherita', 'analytics'],
  };
  for (const [name, [what, service]] of Object.entries(holds)) {
    await page.getByRole('group', { name: 'Service' }).getByRole('button', { name, exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.locator(`table[data-service="${service}"]`).getByText(what).first().waitFor();
  }
  await everyLook(page, 'records');
});
