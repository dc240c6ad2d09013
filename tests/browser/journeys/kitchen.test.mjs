// A cook at work: by keyboard alone, while the customer's page follows; and a station that breaks in the rush.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { focusComes, focused, press, tabTo, type } from '../lib/keyboard.mjs';
import { be } from '../lib/people.mjs';
import { everyLook, signIn } from '../lib/staff.mjs';

/** Nothing happens by itself, so that the cook is seen to do it. */
const BY_HAND = { kitchen_time_scale: 1, kitchen_by_hand: 1, delivery_time_scale: 1 };

const dishOf = async (platform, order) => (await platform.look(`/v1/kitchen/tickets/${order}`)).dishes[0];
const short = (order) => order.slice(-4).toUpperCase();

/** What the customer's page says about a dish. */
const tells = (page, dish, words) => page.locator('.cooked', { hasText: dish }).getByText(words).first().waitFor();
const one = (item) => ({ item, size: 'M', quantity: 1, options: [] });

journey("s4_u05_s0_u03: a cook works a ticket with the keyboard while the customer's page follows each dish", { settings: BY_HAND }, async ({ platform, open }) => {
  const cook = await open('/staff/kitchen');
  await signIn(cook, platform);
  await cook.getByText('Nothing to do here').waitFor();
  assert.ok(!cook.url().includes(platform.staff), 'no token in the address');

  const guest = await platform.guest();
  const order = await platform.order({ lines: [one('margherita'), one('hawaiian')] }, guest);
  const customer = await open('/', { screen: 'phone', locale: 'ru-RU' });
  await be(customer, guest);
  await customer.goto(`/order/${order}`);
  const ticket = cook.locator(`.ticket[data-order="${order}"]`);
  await ticket.waitFor();
  for (const dish of ['Маргарита', 'Гавайская']) await tells(customer, dish, 'собирается');

  await press(cook, /^Preparation 1/);
  await ticket.waitFor();
  // A digit acts on the ticket that has the focus; without one it only goes there.
  await cook.keyboard.press('2');
  assert.match(await focused(cook), new RegExp(`^Done.*${short(order)}`));
  const [first, second] = await ticket.locator('.dish__name').allInnerTexts();
  await cook.keyboard.press('2');
  const russian = { Margherita: 'Маргарита', Hawaiian: 'Гавайская' };
  await tells(customer, russian[second], 'в печи');
  await tells(customer, russian[first], 'собирается');
  await picture(customer, 'cook-customer-1');
  await picture(cook, 'cook-kitchen-1');

  // A wrong press is taken back from wherever the cook is, and the customer's page goes back too.
  await tabTo(cook, /^Kitchen$/, { back: true });
  await cook.keyboard.press('r');
  await tells(customer, russian[second], 'собирается');
  // The customer may hear of it before the cook's own page does: both dishes are at this station again.
  await ticket.locator('.dish:not(.dish--later)').nth(1).waitFor();
  await cook.keyboard.press('ArrowRight');
  await cook.keyboard.press('Enter');
  for (const dish of ['Маргарита', 'Гавайская']) await tells(customer, dish, 'в печи');
  await cook.getByText('Nothing to do here').waitFor();

  for (const [station, words] of [['Oven', 'последние штрихи'], ['Pass', 'готово']]) {
    await press(cook, new RegExp(`^${station} 1`));
    await ticket.waitFor();
    await cook.keyboard.press('ArrowDown');
    await cook.keyboard.press('Enter');
    for (const dish of ['Маргарита', 'Гавайская']) await tells(customer, dish, words);
  }
  await picture(customer, 'cook-customer-2');
  await customer.getByText('В пути').first().waitFor();
  await platform.reaches(order, 'shipped');
});

journey('s0_u03: a bump is brought back from the list of those just done, and the muted bell stays muted', { settings: BY_HAND }, async ({ platform, open }) => {
  const cook = await open('/staff');
  await cook.addInitScript(() => {
    globalThis.rung = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...when) {
      globalThis.rung += 1;
      return start.apply(this, when);
    };
  });
  await cook.goto('/staff/kitchen');
  await signIn(cook, platform);
  const rung = () => cook.evaluate(() => globalThis.rung);
  await cook.getByText('Nothing to do here').waitFor();
  const order = await platform.order({ lines: [one('margherita')] });
  const ticket = cook.locator(`.ticket[data-order="${order}"]`);
  await ticket.waitFor();
  await platform.eventually('the bell rang', async () => (await rung()) > 0);

  await cook.keyboard.press('m');
  await tabTo(cook, /^Sound off/);
  await cook.reload();
  await ticket.waitFor();
  const bell = cook.getByRole('button', { name: 'Sound off' });
  await bell.waitFor();
  assert.equal(await bell.getAttribute('aria-pressed'), 'true');
  const next = await platform.order({ lines: [one('hawaiian')] });
  await cook.locator(`.ticket[data-order="${next}"]`).waitFor();
  assert.equal(await rung(), 0, 'a muted bell rang');

  await press(cook, `order ${short(order)}`);
  await platform.eventually('all of it is done', async () => (await dishOf(platform, order)).step === 3);
  await ticket.waitFor({ state: 'detached' });
  // The focus goes on to the next ticket.
  await focusComes(cook, new RegExp(short(next)));
  await picture(cook, 'kitchen-just-done');
  await press(cook, `Bring back: #${short(order)}`);
  await ticket.waitFor();
  await platform.eventually('it is where it was', async () => (await dishOf(platform, order)).step === 0);
});

journey('s0_u03: in a rush keys hit the ticket that is seen, and a finger not the one that moved under it', { settings: BY_HAND }, async ({ platform, open }) => {
  const orders = [];
  for (let count = 0; count < 6; count += 1) orders.push(await platform.order({ lines: [one('margherita')] }));
  for (const order of orders) await platform.booked(order);
  const cook = await open('/staff/kitchen', { screen: 'tablet' });
  await signIn(cook, platform);
  const ticket = (order) => cook.locator(`.ticket[data-order="${order}"]`);
  await ticket(orders[5]).waitFor();
  const shown = () => cook.locator('.ticket').evaluateAll((all) => all.map((one) => one.dataset.order));
  assert.deepEqual(await shown(), orders, 'the oldest is the first');
  const step = async (order) => (await dishOf(platform, order)).step;

  // Somebody else is done with the first one while the cook is at the third: the focus goes with the ticket, not with the place.
  await tabTo(cook, `order ${short(orders[2])}`);
  await platform.bump(orders[0]);
  await ticket(orders[0]).waitFor({ state: 'detached' });
  await focusComes(cook, new RegExp(short(orders[2])));
  await cook.keyboard.press('Enter');
  await ticket(orders[2]).waitFor({ state: 'detached' });
  assert.deepEqual([await step(orders[1]), await step(orders[2]), await step(orders[3])], [0, 3, 0]);

  // The finger comes down in the moment in which the next ticket takes the place.
  const first = await ticket(orders[1]).boundingBox();
  await cook.evaluate((id) => {
    const list = document.querySelector('.tickets');
    const watch = new MutationObserver(() => {
      if (list.querySelector(`[data-order="${id}"]`)) return;
      watch.disconnect();
      list.querySelector('.ticket .ticket__done').dispatchEvent(new MouseEvent('click', { bubbles: true, detail: 1 }));
      document.body.dataset.pressed = 'yes';
    });
    watch.observe(list, { childList: true });
  }, orders[1]);
  await platform.bump(orders[1]);
  await cook.locator('body[data-pressed]').waitFor();
  const moved = await ticket(orders[3]).boundingBox();
  assert.deepEqual([Math.round(moved.x), Math.round(moved.y)], [Math.round(first.x), Math.round(first.y)]);
  // A deliberate touch afterwards counts, and it is the only one that did.
  const bumps = [];
  cook.on('request', (request) => request.url().endsWith('/bump') && bumps.push(request.url()));
  await platform.eventually('a deliberate touch counts', async () => {
    await ticket(orders[4]).locator('.ticket__done').tap({ timeout: 1000 }).catch(() => {});
    return (await ticket(orders[4]).count()) === 0;
  });
  assert.equal(await step(orders[3]), 0, 'the ticket that moved under the finger was bumped');
  assert.equal(bumps.length, 1);
});

journey('s0_u03: the kitchen display in a rush, in every look', { settings: { ...BY_HAND, kitchen_time_scale: 30 } }, async ({ platform, open }) => {
  const dishes = ['margherita', 'hawaiian', 'pepperoni', 'five_cheese', 'the_greek', 'big_meat'];
  const menu = await platform.look('/v1/menu');
  const there = dishes.filter((slug) => menu.items.some((item) => item.slug === slug));
  const rush = async (count, begin) => {
    for (let number = begin; number < begin + count; number += 1) {
      const line = (place) => ({ item: there[(number + place) % there.length], quantity: 1 + ((number + place) % 3) });
      const lines = number % 3 ? [line(0), line(1)] : [line(0)];
      await platform.order({ lines, fulfilment: number % 4 === 3 ? 'pickup' : 'delivery', payment: { method: 'cash' } });
    }
  };
  await rush(3, 0);
  let first;
  await platform.eventually('one is in the kitchen', async () => {
    const { tickets } = await platform.look('/v1/kitchen/tickets');
    first = Math.min(...tickets.filter((ticket) => ticket.promised_at).map((ticket) => Date.parse(ticket.promised_at)));
    return Number.isFinite(first);
  });
  const late = () => Date.now() > first + 1000;
  await platform.eventually('the first ticket is late', late);
  await rush(7, 3);
  const page = await open('/staff/kitchen', { viewport: { width: 1600, height: 900 } });
  await signIn(page, platform);
  await page.locator('.ticket[data-urgency="late"]').first().waitFor();
  await page.waitForFunction(() => document.querySelectorAll('.ticket').length === 10);
  await page.locator('#kitchen-title').click();
  await picture(page, 'kitchen');
  await everyLook(page, 'kitchen');

  const phone = await open('/staff/kitchen', { screen: 'phone', locale: 'ru-RU', scheme: 'dark' });
  await signIn(phone, platform);
  await phone.locator('.ticket').first().waitFor();
  assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing sticks out at 360 px');
  const smallest = await phone.evaluate(() => Math.min(...[...document.querySelectorAll('.ticket button')].map((button) => button.getBoundingClientRect().height)));
  assert.ok(smallest >= 44, `a finger needs more than ${smallest} px`);
  await axe(phone);
  await picture(phone, 'kitchen-phone-ru-dark');
});

journey('s0_u03: a station breaks in the rush: dishes move, then their orders end and are refunded', { settings: BY_HAND }, async ({ platform, open }) => {
  const second = { slug: 'oven-2', kind: 'oven', name: { en: 'Second oven', ru: 'Вторая печь' }, places: 2 };
  assert.equal((await platform.send('PUT', '/v1/kitchen/stations', second)).status, 200);
  const orders = [await platform.order(), await platform.order()];
  for (const order of orders) await platform.reaches(order, 'cooking');
  const ovens = (await platform.look('/v1/kitchen/stations')).stations.filter((station) => station.kind === 'oven');
  const ovenOf = async (order) => (await dishOf(platform, order)).steps.find((step) => step.station === 'oven').station_id;
  const before = await ovenOf(orders[0]);
  const nameOf = (id) => (ovens.find((oven) => oven.station_id === id).slug === 'oven-2' ? 'Second oven' : 'Oven');

  const page = await open('/staff/stations');
  await signIn(page, platform);
  const breakIt = async (name) => {
    await press(page, new RegExp(`^It is broken: ${name}$`));
    await page.locator('#asking[open]').waitFor();
    await type(page, 'Reason', 'smoke');
    await page.keyboard.press('Enter');
    await page.locator('#asking').waitFor({ state: 'hidden' });
  };
  await breakIt(nameOf(before));
  await platform.eventually('the dish moved to the other oven', async () => (await ovenOf(orders[0])) !== before);
  await focusComes(page, new RegExp(`^It works again: ${nameOf(before)}$`));
  await page.getByText('broken', { exact: true }).waitFor();
  await everyLook(page, 'stations');

  await breakIt(nameOf(await ovenOf(orders[0])));
  for (const order of orders) {
    const ended = await platform.reaches(order, 'cancelled');
    assert.equal(ended.reason, 'kitchen_failed');
    await platform.eventually('the money went back', async () => {
      const payment = await platform.look(`/v1/orders/${order}/payment`);
      return payment.taken.amount_minor > 0 && payment.refunded.amount_minor === payment.taken.amount_minor;
    });
  }
  await page.goto('/staff');
  await page.locator(`[data-column="ended"] [data-order="${orders[0]}"]`).waitFor();
  await page.getByText('cancelled').first().waitFor();

  await page.goto('/staff/stations');
  await press(page, /^It works again: Oven$/);
  await page.locator('#asking[open]').waitFor();
  await press(page, /^It works$/);
  await platform.eventually('the oven works', async () => (await platform.look('/v1/kitchen/stations')).stations.find((station) => station.slug === 'oven').broken === false);
});

journey('s0_u03: cooks take the clock out of the kitchen and put it back, and whoever was quicker is told of', {}, async ({ platform, open }) => {
  const page = await open('/staff/kitchen');
  await signIn(page, platform);
  await page.getByText('or when its time is over').waitFor();
  await press(page, /^Change this$/);
  const mode = page.locator('.mode');
  await mode.and(page.locator('[data-mode=clock]')).waitFor();

  const ask = async (button) => {
    await press(page, button);
    await page.locator('#asking[open]').waitFor();
  };
  const answer = async () => {
    await page.keyboard.press('Enter');
    await page.locator('#asking').waitFor({ state: 'hidden' });
  };
  await ask(/^Switch to “by hand”$/);
  await type(page, 'Reason', 'rush');
  await answer();
  await mode.and(page.locator('[data-mode=hand]')).waitFor();
  await focusComes(page, /^Switch to “by its recipe”$/);
  await everyLook(page, 'stations-by-hand');

  // Its time is over long ago, and nobody but a cook ends it.
  const order = await platform.order();
  await platform.reaches(order, 'cooking');
  const ticket = async () => platform.look(`/v1/kitchen/tickets/${order}`);
  await platform.eventually('its time is over', async () => Date.parse((await ticket()).promised_at) < Date.now());
  assert.deepEqual([(await ticket()).by_hand, (await ticket()).state], [true, 'cooking']);

  // Somebody changes the same settings while this cook reads the question.
  page.guard.allow(/409/);
  await ask(/^Switch to “by its recipe”$/);
  const seen = await platform.look('/v1/kitchen/settings');
  assert.equal((await platform.send('PUT', '/v1/kitchen/settings', seen)).status, 200);
  await page.keyboard.press('Enter');
  await page.locator('#asking .notes', { hasText: 'by hand' }).waitFor();
  await press(page, /^Do it all the same$/);
  await mode.and(page.locator('[data-mode=clock]')).waitFor();
  const other = await platform.order();
  await platform.reaches(other, 'delivered');
  assert.equal((await ticket()).state, 'cooking', 'what began by hand waits for its cook');
  await page.goto('/staff/kitchen');
  await page.locator(`.ticket[data-order="${order}"]`).waitFor();
  await press(page, new RegExp(`^Done.*${short(order)}`));
  await platform.reaches(order, 'delivered');
});
