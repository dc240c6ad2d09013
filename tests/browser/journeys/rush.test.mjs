// Rush hour behind the counter: forty orders and more, what guests ask of the kitchen, and what stops without an event.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { press } from '../lib/keyboard.mjs';
import { everyLook, signIn } from '../lib/staff.mjs';

const BY_HAND = { kitchen_time_scale: 1, kitchen_by_hand: 1, delivery_time_scale: 1 };
const short = (order) => order.slice(-4).toUpperCase();

journey('s0_u03: at rush hour the board gives its room to where the orders are, and says things in words', { settings: BY_HAND }, async ({ platform, open }) => {
  for (let count = 0; count < 24; count += 1) await platform.order({ lines: [{ item: 'pepperoni', size: 'L', quantity: 3 }], payment: { method: 'cash' } });
  const lines = [{ item: 'margherita', size: 'M', quantity: 2, options: ['extra_cheese'] }, { item: 'tiramisu', quantity: 1 }];
  const whole = await platform.order({ lines, contact: { name: 'Ada', phone: '+1 555 0100', address: '1 Test Street', note: 'No basil, please' } });
  await platform.booked(whole);
  const page = await open('/staff');
  await signIn(page, platform);
  await page.waitForFunction(() => document.querySelectorAll('.slip').length >= 25);
  const slip = page.locator(`[data-order="${whole}"]`);
  await slip.getByText('1 × Tiramisu').waitFor();
  assert.doesNotMatch(await page.locator('main').innerText(), /\bunit\b/);
  const full = await page.locator('.column--many').evaluate((one) => [one.clientWidth, new Set([...one.querySelectorAll('.slip')].map((each) => each.offsetLeft)).size]);
  assert.ok(full[0] > 1280 * 0.3 && full[1] > 1, `the full column is ${full}`);
  await everyLook(page, 'board-rush');
  await press(page, `#${short(whole)}`);
  const detail = page.locator('#detail[open]');
  await detail.getByText('M · Extra cheese').waitFor();
  await detail.getByText('No basil, please').waitFor();
  await axe(page);
  await page.keyboard.press('Escape');
  await page.goto('/staff/menu');
  await page.locator('[data-item="tiramisu"]').getByText('one size').waitFor();

  // On a phone a column that is chosen is there, even an empty one.
  const phone = await open('/staff', { screen: 'phone' });
  await signIn(phone, platform);
  await phone.locator('.slip').first().waitFor();
  await phone.getByRole('button', { name: /^Ready 0/ }).tap();
  await phone.locator('[data-column="ready"]').getByText('None').waitFor();
  await axe(phone);
});

journey('s0_u03: a cook reads what the guest asks for', { settings: BY_HAND }, async ({ platform, open }) => {
  const cook = await open('/staff/kitchen', { screen: 'tablet' });
  await signIn(cook, platform);
  await cook.getByText('Nothing to do here').waitFor();
  const plain = await platform.order();
  const asking = await platform.order({ contact: { name: 'Ada', phone: '+1 555 0100', address: '1 Test Street', note: 'No basil: an allergy' } });
  await cook.locator(`.ticket[data-order="${asking}"]`).getByText('No basil: an allergy').waitFor();
  assert.ok(!(await cook.locator(`.ticket[data-order="${plain}"] .ticket__note`).isVisible()));
  await axe(cook);
  await picture(cook, 'kitchen-note');
});

journey('s0_u03: a pause and a broken station are seen by whoever looks, without an event and without a reload', { settings: BY_HAND }, async ({ platform, open }) => {
  const cook = await open('/staff/kitchen');
  await signIn(cook, platform);
  await cook.getByText('Nothing to do here').waitFor();
  // Whether dishes wait for a cook is told by the tickets.
  await platform.booked(await platform.order());
  await cook.getByText('A dish is done only when a cook says so').waitFor();
  const oven = (await platform.look('/v1/kitchen/stations')).stations.find((station) => station.kind === 'oven');
  assert.equal((await platform.send('POST', `/v1/kitchen/stations/${oven.station_id}/break`, { reason: 'smoke' })).status, 200);
  await cook.getByText('Oven is broken').waitFor();
  assert.equal((await platform.send('POST', `/v1/kitchen/stations/${oven.station_id}/repair`, { reason: 'cold again' })).status, 200);
  await cook.getByText('Oven is broken').waitFor({ state: 'detached' });
  await platform.command('pause', 'delivery');
  await cook.getByText('Delivery is paused').waitFor();
  await axe(cook);
  await platform.command('resume', 'delivery');
  await cook.getByText('Delivery is paused').waitFor({ state: 'hidden' });
});

journey('s0_u03: the board goes on following after the kitchen was looked at', { settings: BY_HAND }, async ({ platform, open }) => {
  const page = await open('/staff');
  await signIn(page, platform);
  for (const view of ['Kitchen', 'Orders', 'Kitchen', 'Orders']) {
    await press(page, new RegExp(`^${view}$`));
    await page.getByRole('heading', { name: view, level: 1 }).waitFor();
    const order = await platform.order();
    await page.locator(view === 'Orders' ? `[data-column="cooking"] [data-order="${order}"]` : `.ticket[data-order="${order}"]`).waitFor();
  }
});
