// Waiting: an order that is late, and one that is fetched.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { arrived, begin, PEOPLE, titled } from '../lib/guest.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { press, tabTo, type } from '../lib/keyboard.mjs';
import { be } from '../lib/people.mjs';

const HOUR_MS = 3600000;

/** Lets the page believe that the platform's clock is an hour further, while nothing has moved there. */
async function hourLater(page) {
  await page.route('**/progress', async (route) => {
    const answer = await route.fetch();
    const told = await answer.json();
    await route.fulfill({ response: answer, json: { ...told, as_of: new Date(Date.parse(told.as_of) + HOUR_MS).toISOString() } });
  });
}

journey('s4_u05: an order that is late says so, and what can be done: nothing while it is cooked, calling off before', { settings: { kitchen_time_scale: 1, delivery_time_scale: 1 } }, async ({ platform, open }) => {
  const guest = await platform.guest();
  const cooked = await platform.order({ lines: [{ item: 'margherita', quantity: 20 }] }, guest);
  await platform.reaches(cooked, 'cooking');
  const queued = await platform.order({ lines: [{ item: 'pepperoni', quantity: 1 }] }, guest);
  await platform.booked(queued);
  const page = await open('/', { screen: 'phone' });
  await be(page, guest);
  await page.goto(`/order/${cooked}`);
  await page.locator('.eta').getByText(/^about \d+ min/).waitFor();
  const late = page.getByText('It takes longer than we said.');
  assert.ok(!(await late.isVisible()), 'it is not late yet');
  await hourLater(page);
  await page.reload();
  await late.waitFor();
  assert.ok(!(await page.getByText('You may still cancel').isVisible()));
  await axe(page);
  await page.goto(`/order/${queued}`);
  await late.waitFor();
  await page.getByText('You may still cancel and get everything back.').waitFor();
  await page.locator('.eta').getByText('any moment now').waitFor({ state: 'hidden' });
  await axe(page);
  await picture(page, 'late-phone');
  await press(page, 'Cancel the order');
  await press(page, 'Yes, cancel it');
  await titled(page, 'This order was cancelled');
  await page.getByText(/^\$\d+\.\d\d went back to where it came from\./).waitFor();
  assert.ok(!(await late.isVisible()), 'what has ended is not late');
});

journey('s4_u03_s4_u05: a guest fetches the order, pays at the counter, and what waits for the guest is never late', { settings: { kitchen_time_scale: 90 } }, async ({ platform, open }) => {
  const { version } = await platform.look('/v1/deliveries/settings');
  const settings = { packing_seconds: 1, carrying_seconds: 60, shipping_seconds: 60, time_scale: 1, by_itself: false, version };
  assert.equal((await platform.send('PUT', '/v1/deliveries/settings', settings)).status, 200);
  const page = await open('/', { screen: 'phone' });
  await begin(page);
  await tabTo(page, 'Bring it to me');
  await page.keyboard.press('ArrowDown');
  await page.locator('#field-address').waitFor({ state: 'hidden' });
  await type(page, PEOPLE.en.name, 'Bo');
  // Nobody comes to the door of somebody who fetches it.
  await press(page, PEOPLE.en.place);
  await page.locator('#wrong-phone').getByText('in case something comes up').waitFor();
  await type(page, PEOPLE.en.phone, '+1 555 0101');
  await tabTo(page, 'By card (test)');
  await page.keyboard.press('ArrowDown');
  await page.getByText('Cash at the counter').waitFor();
  await axe(page);
  await press(page, PEOPLE.en.place);
  const order = await arrived(page);
  await titled(page, 'It is being made');
  await page.getByText('To be fetched at the counter').waitFor();
  await page.getByText('Please have $12.25 in cash ready.').waitFor();
  await titled(page, 'Ready. Come and get it');
  await hourLater(page);
  await page.reload();
  await titled(page, 'Ready. Come and get it');
  await page.getByText('It is packed and waits for you at the counter.').waitFor();
  const seen = await page.locator('main').innerText();
  assert.doesNotMatch(seen, /longer than we said|any moment|about \d/);
  await axe(page);
  await page.getByText(`Your number is #${order.slice(-4).toUpperCase()}.`).waitFor();
  await picture(page, 'pickup-phone');
  const mine = await page.context().newPage();
  await mine.goto('/orders');
  await mine.locator('.past').getByText('at the counter').waitFor();
  await mine.close();
  const handed = await platform.send('POST', `/v1/deliveries/${order}/hand-over`, { proof: 'Bo', cash_taken_minor: 1225 });
  assert.equal(handed.status, 200, JSON.stringify(handed.body));
  await titled(page, 'Enjoy your meal');
  await page.getByText(/^Handed over at \d/).waitFor();
  await page.locator('.receipt').getByText('In cash').waitFor();
});
