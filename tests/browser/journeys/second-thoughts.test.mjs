// Second thoughts, and what becomes of them: calling off too late, whose money is where, what a stranger reads.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { titled } from '../lib/guest.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { press, tabTo } from '../lib/keyboard.mjs';
import { be } from '../lib/people.mjs';

/** The kitchen is away until it is called; then it takes its time. */
const SLOW = { settings: { kitchen_time_scale: 5, delivery_time_scale: 1 } };

journey('s4_u05: whoever is being asked whether to cancel is told that the kitchen has begun', SLOW, async ({ platform, open }) => {
  await platform.command('pause', 'kitchen');
  const guest = await platform.guest();
  const order = await platform.order({}, guest);
  await platform.reaches(order, 'paid');
  const page = await open('/', { screen: 'phone' });
  await be(page, guest);
  await page.goto(`/order/${order}`);
  await titled(page, 'Paid. The kitchen is next');
  await press(page, 'Cancel the order');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Nothing has been cooked yet.').waitFor();
  await tabTo(page, 'Yes, cancel it');
  await platform.command('resume', 'kitchen');
  await dialog.getByRole('heading', { name: 'It cannot be cancelled any more' }).waitFor();
  assert.ok(!(await page.getByRole('button', { name: 'Yes, cancel it' }).isVisible()));
  await page.getByRole('button', { name: 'All right' }).and(page.locator(':focus')).waitFor();
  await axe(page);
  await picture(page, 'too-late-phone');
  await page.keyboard.press('Enter');
  await dialog.waitFor({ state: 'hidden' });
});

journey('s4_u05: a dialog that asks about an order that has ended meanwhile goes away', SLOW, async ({ platform, open }) => {
  await platform.command('pause', 'kitchen');
  const guest = await platform.guest();
  const order = await platform.order({}, guest);
  await platform.reaches(order, 'paid');
  const page = await open('/', { screen: 'phone' });
  await be(page, guest);
  await page.goto(`/order/${order}`);
  await press(page, 'Cancel the order');
  await page.getByRole('dialog').waitFor();
  await platform.send('POST', `/v1/orders/${order}/cancel`, { reason: 'no more dough' });
  await titled(page, 'This order was cancelled');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await page.getByText('The shop had to cancel it. We are sorry.').waitFor();
  // Somebody with the link reads that it will not come, and nothing of who wanted it so.
  const { share } = (await platform.send('GET', `/v1/orders/${order}/progress`, undefined, { as: guest })).body;
  const friend = await open(`/order/${share}`, { screen: 'phone' });
  await friend.getByText('It will not come.').waitFor();
  const seen = await friend.locator('main').innerText();
  assert.doesNotMatch(seen, /\bYou cancelled\b|from you|The shop had to/);
  await axe(friend);
});

journey('s4_u05: only what is certain is said of the money', {}, async ({ open }) => {
  const page = await open('/', {});
  const said = await page.evaluate(async () => {
    const { moneyMoves, whatOfMoney } = await import('/js/shop/paying.js');
    const money = (amount_minor) => ({ amount_minor, currency: 'USD' });
    const tell = (state, taken, refunded, order = {}) => {
      const told = { order: { state: 'cancelled', reason: 'customer_asked', payment: 'card', ...order }, payment: state && { state, taken: money(taken), refunded: money(refunded) } };
      const found = whatOfMoney(told);
      return [found?.what ?? '', found?.sum.amount_minor ?? 0, moneyMoves(told)];
    };
    return {
      unknown: tell(null),
      asked: tell('requested', 0, 0),
      withdrawn: tell('withdrawing', 0, 0),
      expected: tell('expected', 0, 0),
      promised: tell('promised', 0, 0),
      given_up: tell('voided', 0, 0),
      failed: tell('failed', 0, 0),
      declined: tell('failed', 0, 0, { reason: 'payment_declined' }),
      taken: tell('captured', 1000, 0),
      half_way: tell('refunding', 1000, 400),
      back: tell('refunded', 1000, 1000),
    };
  });
  assert.deepEqual(said, {
    unknown: ['', 0, true],
    asked: ['unsure', 0, true],
    withdrawn: ['unsure', 0, true],
    expected: ['', 0, true],
    promised: ['', 0, true],
    given_up: ['none', 0, false],
    failed: ['none', 0, false],
    declined: ['', 0, false],
    taken: ['refunding', 1000, true],
    half_way: ['refunding', 600, true],
    back: ['refunded', 1000, false],
  });
});
