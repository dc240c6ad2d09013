// A guest: from the menu to the door, by keyboard alone, on a phone, in Russian; and what can go wrong on the way.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { arrived, begin, fill, PEOPLE, titled, WATCHED } from '../lib/guest.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { press, tabTo, type } from '../lib/keyboard.mjs';

/** Somebody who is not kind: all that they type is text, wherever it is shown. */
const MARKUP = '5 <img src=x onerror=alert(1)><script>alert(2)</script> {{ 7 * 7 }}';

journey('s4_u01_s4_u02_s4_u03_s4_u04_s4_u05_s0_c08: a guest orders in Russian on a phone and watches it to the door', { settings: WATCHED }, async ({ platform, open }) => {
  const page = await open('/', { screen: 'phone', locale: 'ru-RU' });
  await page.getByRole('heading', { name: 'Гавайская' }).waitFor();
  await picture(page, 'shop-phone-ru');
  // Searched and chosen without a mouse.
  await type(page, 'Поиск по меню', 'ананас ветчина');
  await page.getByText('Маргарита', { exact: true }).waitFor({ state: 'hidden' });
  await press(page, 'Выбрать: Гавайская');
  await page.getByRole('dialog').waitFor();
  await axe(page);
  await picture(page, 'dish-phone-ru');
  await press(page, 'Больше сыра', ' ');
  await press(page, /^Добавить · /);
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await press(page, /1 позиция/);
  await page.getByRole('dialog').waitFor();
  assert.match(await page.getByRole('dialog').innerText(), /14,75\s\$/);
  // What is missing is said kindly, and the focus is where it can be mended.
  await press(page, PEOPLE.ru.place);
  await page.locator('#field-name:focus').waitFor();
  await page.getByText('Как к вам обращаться?').first().waitFor();
  await axe(page);
  await fill(page, PEOPLE.ru, { name: 'Анна', address: 'Лесная, 5, кв. 12' });
  await picture(page, 'checkout-phone-ru');
  await press(page, PEOPLE.ru.place);

  const order = await arrived(page);
  await titled(page, 'Готовится');
  const kitchen = page.locator('.cooking');
  await kitchen.getByText('в печи').waitFor();
  assert.match(await kitchen.innerText(), /Гавайская[\s\S]*ещё \d+ (с|мин)/);
  await axe(page);
  await picture(page, 'order-phone-ru');
  // The link that is shared tells as much, and nothing of the person.
  const { share } = await page.evaluate((id) => fetch(`/v1/orders/${id}/progress`).then((answer) => answer.json()), order);
  const friend = await open(`/order/${share}`, { screen: 'phone', scheme: 'dark' });
  await friend.locator('#now-title').waitFor();
  await friend.getByText('Hawaiian').first().waitFor();
  const seen = await friend.locator('body').innerText();
  for (const secret of ['Лесная', '555', 'Анна']) assert.ok(!seen.includes(secret), secret);
  assert.ok(!(await friend.getByRole('button', { name: 'Cancel the order' }).isVisible()));
  await axe(friend);
  await titled(page, 'Едет к вам');
  await titled(page, 'Приятного аппетита');
  await titled(friend, 'It has been handed over');
  assert.match(await page.locator('body').innerText(), /Лесная, 5, кв\. 12/);
  await axe(page);
  // It stands among the orders of this device, and can be had again through the cart.
  await page.goto('/orders');
  await page.getByText('вручён').waitFor();
  await axe(page);
  await press(page, /^Заказать ещё раз/);
  await page.getByRole('dialog').getByText('Гавайская').first().waitFor();
  assert.equal((await platform.look(`/v1/orders/${order}`)).state, 'delivered');
});

journey('s4_u05: a declined card tries another way and pays cash', { settings: WATCHED }, async ({ platform, open }) => {
  const page = await open('/', { screen: 'desk', scheme: 'dark' });
  await press(page, 'Choose: Margherita');
  await page.getByRole('dialog').waitFor();
  await press(page, /^Add · /);
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await picture(page, 'shop-desk-dark');
  await axe(page);
  await press(page, 'Check out');
  await fill(page, PEOPLE.en);
  await tabTo(page, /^Test card/);
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.locator('#field-card').inputValue(), 'tok_declined');
  await axe(page);
  await press(page, PEOPLE.en.place);
  const declined = await arrived(page);
  await titled(page, 'This order was cancelled');
  await page.getByText('The card was declined. Nothing was taken from you.').waitFor();
  await axe(page);
  await picture(page, 'declined-desk-dark');
  await press(page, /^Pay \$12\.25 in cash/);
  const paid = await arrived(page, declined);
  await titled(page, /Off to the kitchen|It is being made/);
  await page.getByText('Please have $12.25 in cash ready.').waitFor();
  const { payment, total } = await platform.look(`/v1/orders/${paid}`);
  assert.deepEqual([payment, total.amount_minor], ['cash', 1225]);
  const { taken } = await platform.look(`/v1/orders/${declined}/payment`);
  assert.equal(taken.amount_minor, 0);
  // Whoever goes back is led to the new order, and cannot place it a second time.
  await page.goto(`/order/${declined}`);
  await titled(page, 'This order was cancelled');
  await page.getByText('Nothing was taken', { exact: true }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'in cash' }).count(), 0);
  await axe(page);
  await press(page, 'See where it is now');
  await page.waitForURL(`**/order/${paid}`);
});

journey('s4_u03_s0_n05: the network is cut in the middle of placing, and there is one order', { settings: WATCHED }, async ({ platform, open }) => {
  const page = await open('/', { screen: 'phone' });
  page.guard.allow(/net::ERR_INTERNET_DISCONNECTED|net::ERR_FAILED/);
  // What the page weighs: all scripts, packed as the platform packs them.
  const scripts = await page.evaluate(() => performance.getEntriesByType('resource').filter((one) => /\.js$/.test(one.name)).reduce((sum, one) => sum + one.encodedBodySize, 0));
  if (!process.env.COMANDA_WEB) assert.ok(scripts > 10000 && scripts < 60000, `${scripts} bytes of scripts`);
  await press(page, /^Choose: Pepperoni(?!,)/);
  await press(page, /^Add · /);
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await press(page, /^1 dish/);
  await fill(page, PEOPLE.en);
  // The platform hears it, and the line is cut before its answer comes.
  let heard = 0;
  await page.route('**/v1/orders', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    heard += 1;
    if (heard > 1) return route.continue();
    await route.fetch();
    await page.context().setOffline(true);
    await route.abort('internetdisconnected');
  });
  await press(page, PEOPLE.en.place);
  await page.locator('.checkout__end').getByText('The connection is gone.').waitFor();
  await axe(page);
  await picture(page, 'cut-phone');
  assert.equal((await platform.look('/v1/board')).orders.length, 1, 'the first try has arrived');
  await page.context().setOffline(false);
  const order = await arrived(page);
  const board = await platform.look('/v1/board');
  assert.deepEqual(board.orders.map((one) => one.order_id), [order]);
  assert.ok(heard >= 2, 'the page has asked again');
  assert.equal(await page.evaluate(() => localStorage.getItem('comanda.placing')), null);
});

journey('s4_u03: a page that is closed while its order is lost asks about it when it is opened again', { settings: WATCHED }, async ({ platform, open }) => {
  const page = await open('/', { screen: 'phone' });
  page.guard.allow(/net::ERR_FAILED/);
  await press(page, 'Add: Tiramisu');
  await press(page, /^1 dish/);
  await fill(page, PEOPLE.en);
  let sent;
  await page.route('**/v1/orders', async (route) => {
    sent = route.request().headers()['idempotency-key'];
    await route.fetch();
    await route.abort();
  });
  await press(page, PEOPLE.en.place);
  await page.locator('.checkout__end').getByText('The connection is gone.').waitFor();
  await page.unroute('**/v1/orders');
  const again = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/v1/orders'));
  await page.reload();
  assert.equal((await again).headers()['idempotency-key'], sent);
  await arrived(page);
  const { orders } = await platform.look('/v1/orders/statistics');
  assert.equal(orders, 1);
});

/** Somebody whose order for a tiramisu never reaches the platform; `back` brings the line back. */
async function lost(open) {
  const page = await open('/', { screen: 'phone' });
  page.guard.allow(/net::ERR_FAILED/);
  await begin(page, 'Tiramisu');
  await fill(page, PEOPLE.en);
  const cut = (route) => route.abort();
  await page.route('**/v1/orders', cut);
  await press(page, PEOPLE.en.place);
  await page.locator('.checkout__end').getByText('The connection is gone.').waitFor();
  return { page, back: () => page.unroute('**/v1/orders', cut) };
}

journey('s4_u03: what was sent long ago and never answered is asked about, and not placed instead of what is ordered now', {}, async ({ platform, open }) => {
  const { page, back } = await lost(open);
  // An hour later the page says nothing of it by itself.
  await page.evaluate(() => localStorage.setItem('comanda.placing', JSON.stringify({ ...JSON.parse(localStorage.getItem('comanda.placing')), at: Date.now() - 3600_000 })));
  await back();
  await page.goto('/');
  await begin(page, 'Margherita');
  await press(page, PEOPLE.en.place);
  const note = page.locator('.checkout__end').getByText(/1 × Tiramisu, \$.* it was never answered/);
  await note.waitFor();
  await axe(page);
  await picture(page, 'older-phone');
  assert.equal((await platform.look('/v1/orders/statistics')).orders, 0, 'nothing was sent before the guest has said what');
  await press(page, 'Order what is here');
  const order = await arrived(page);
  assert.equal((await platform.look('/v1/orders/statistics')).orders, 1);
  const { lines } = await platform.look(`/v1/orders/${order}`);
  assert.deepEqual(lines.map((line) => line.item).sort(), ['margherita', 'tiramisu']);
});

journey('s4_u03: what is put into the cart while an order waits for the network stays there', {}, async ({ platform, open }) => {
  const { page, back } = await lost(open);
  await press(page, 'One more');
  await back();
  const { lines } = await platform.look(`/v1/orders/${await arrived(page)}`);
  assert.deepEqual(lines.map((line) => line.quantity), [1]);
  await page.goto('/');
  await page.getByRole('button', { name: /^1 dish/ }).waitFor();
});

journey('s4_u02: a price changes while the cart holds the dish, and again while it is ordered', { settings: WATCHED }, async ({ platform, open }) => {
  const page = await open('/', { screen: 'phone', locale: 'ru-RU', scheme: 'dark' });
  // One dish begins with the whole name of another.
  for (const dish of [/^Выбрать: Маргарита/, /^Выбрать: Пепперони(?! с)/]) {
    await press(page, dish);
    await press(page, /^Добавить · /);
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
  }
  const priced = async (price_minor) => {
    const { item_id, slug, kind, category, name, description, attributes, variants, steps, tax_rate_bp, version } = await platform.look('/v1/items/margherita');
    const sizes = variants.map(({ size, price, needs, sold_out }) => ({ size, needs, sold_out, price_minor: size === 'M' ? price_minor : price.amount_minor }));
    const answer = await platform.send('PUT', `/v1/items/${item_id}`, { slug, kind, category, name, description, attributes, variants: sizes, steps, tax_rate_bp, version });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
  };
  await priced(1325);
  await press(page, /2 позиции/);
  const sheet = page.getByRole('dialog');
  await sheet.getByText('теперь стоит 13,25').first().waitFor();
  await axe(page);
  await picture(page, 'changed-phone-ru-dark');
  await press(page, 'Хорошо, оставить');
  await sheet.getByText('кое-что изменилось').waitFor({ state: 'hidden' });
  await fill(page, PEOPLE.ru);
  // It changes once more, in the moment of ordering: nothing is taken silently.
  await page.route('**/v1/menu', (route) => route.abort());
  page.guard.allow(/net::ERR_FAILED/, /409|422|status of 4/);
  await priced(1425);
  await press(page, PEOPLE.ru.place);
  await page.getByText('Цены изменились в эту самую минуту').first().waitFor();
  await page.unroute('**/v1/menu');
  assert.equal((await platform.look('/v1/orders/statistics')).orders, 0);
  await page.reload();
  await press(page, /2 позиции/);
  await sheet.getByText('теперь стоит 14,25').first().waitFor();
  await press(page, 'Хорошо, оставить');
  await press(page, PEOPLE.ru.place);
  const order = await arrived(page);
  assert.equal((await platform.look(`/v1/orders/${order}`)).total.amount_minor, 1425 + 1250);
});

journey('s4_u05: an order is called off in time, its money comes back, and a page that slept knows it', { settings: { ...WATCHED, kitchen_time_scale: 0.5 } }, async ({ platform, open }) => {
  await platform.command('pause', 'kitchen');
  const page = await open('/', { screen: 'phone' });
  await press(page, 'Add: Tiramisu');
  await press(page, 'Choose: Hawaiian');
  await press(page, /^Add · /);
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  await press(page, /^2 dishes/);
  await fill(page, PEOPLE.en, { name: MARKUP, address: MARKUP });
  await press(page, PEOPLE.en.place);
  const order = await arrived(page);
  await titled(page, 'Paid. The kitchen is next');
  assert.ok((await page.locator('.receipt').innerText()).includes(MARKUP), 'it is shown as it was typed');
  const asleep = await page.context().newPage();
  await asleep.goto(`/order/${order}`);
  await titled(asleep, 'Paid. The kitchen is next');
  await press(page, 'Cancel the order');
  await axe(page);
  await press(page, 'Yes, cancel it');
  await titled(page, 'This order was cancelled');
  await page.getByText('$19.75 went back to where it came from.').waitFor();
  await titled(asleep, 'This order was cancelled');
  await axe(page);
});

// As in everyone.test.mjs, two of the four looks show both languages and both themes.
for (const [locale, scheme] of [['en-US', 'light'], ['ru-RU', 'dark']]) {
  journey(`s4_c10: everybody can use every page of the shop: ${locale}, ${scheme}`, {}, async ({ open }) => {
    for (const screen of ['phone', 'desk']) {
      const page = await open('/', { screen, locale, scheme });
      await page.locator('.dish').first().waitFor();
      await axe(page);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `the menu is ${wide} px too wide on a ${screen}`);
      if (screen === 'desk') {
        for (const dish of ['prsc_argla', 'margherita']) {
          await page.locator('.dish', { has: page.locator(`img[src*="/${dish}.svg"]`) }).getByRole('button').press('Enter');
          await page.locator('.chooser[open] [type=submit]').press('Enter');
          await page.locator('.chooser').waitFor({ state: 'hidden' });
        }
        await page.locator('.toast').waitFor({ state: 'hidden' });
        await page.evaluate(() => scrollTo(0, 0));
        await picture(page, `shop-desk-${locale.slice(0, 2)}-${scheme}`);
      }
      for (const path of ['/orders', '/offline', '/order/ord_0']) {
        page.guard.allow(/40[0134]/);
        await page.goto(path);
        await page.getByRole('heading', { level: 1 }).first().waitFor();
        await axe(page);
      }
    }
  });
}
