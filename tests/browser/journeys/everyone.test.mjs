// Everybody can use every page: axe in both themes and both languages, and nothing wider than the smallest phone.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { journey } from '../lib/journey.mjs';
import { be, ready, signIn } from '../lib/people.mjs';

/** The views of the staff, and what is there when their content has come: an empty page pleases axe too easily. */
const VIEWS = {
  board: '[data-order]',
  kitchen: '.ticket',
  couriers: '.ride',
  stock: '[data-stock]',
  menu: '[data-item]',
  stations: '[data-station]',
  records: 'td',
};

/** Looks at a page as it is now. */
async function everybody(page, name) {
  await axe(page, name);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${name} is ${over} px wider than its screen`);
}

// What a theme may break has nothing to do with the language, so two of the four looks show both of each.
for (const [locale, scheme] of [['en-US', 'light'], ['ru-RU', 'dark']]) {
  journey(`everybody can use every page, in ${locale} and ${scheme}`, { settings: { kitchen_by_hand: 1, delivery_time_scale: 1 } }, async ({ platform, open }) => {
    const guest = await platform.guest();
    const cooking = await platform.order({}, guest);
    const declined = await platform.order({ payment: { method: 'card', card_token: 'tok_declined' } }, guest);
    const delivered = await platform.order({ payment: { method: 'cash' } }, guest);
    await platform.booked(cooking);
    const away = await platform.order({ payment: { method: 'cash' } }, guest);
    for (const order of [delivered, away]) {
      await platform.bump(order);
      await platform.reaches(order, 'shipped');
    }
    const { cash_due } = await platform.look(`/v1/deliveries/${delivered}`);
    await platform.send('POST', `/v1/deliveries/${delivered}/hand-over`, { proof: 'Ada', cash_taken_minor: cash_due.amount_minor });
    await platform.reaches(delivered, 'delivered');
    await platform.reaches(declined, 'cancelled');

    const page = await open('/', { screen: 'phone', locale, scheme });
    await ready(page);
    assert.equal(await page.locator('html').getAttribute('lang'), locale.slice(0, 2));
    await page.getByText(locale === 'ru-RU' ? 'Маргарита' : 'Margherita').first().waitFor();
    await everybody(page, '/');
    await be(page, guest);
    for (const order of [cooking, declined, away, delivered]) {
      await page.goto(`/order/${order}`);
      await page.locator('#now-title:visible').waitFor();
      await page.locator('.receipt li:visible').first().waitFor();
      await everybody(page, `the order page of ${order}`);
    }
    for (const [path, content] of [['/orders', '.past'], ['/offline', 'h1']]) {
      await page.goto(path);
      await page.locator(content).first().waitFor();
      await everybody(page, path);
    }
    page.guard.allow(/404 \(Not Found\)/);
    await page.goto('/no/such/page');
    await page.locator('h1').waitFor();
    await everybody(page, 'the page that says that there is nothing');

    const staff = await open('/staff', { screen: 'phone', locale, scheme });
    await ready(staff);
    await everybody(staff, '/staff before signing in');
    await signIn(staff, platform);
    for (const [view, content] of Object.entries(VIEWS)) {
      await staff.goto(`/staff/${view}`);
      await staff.locator(`${content}:visible`).first().waitFor();
      await everybody(staff, `/staff/${view}`);
    }
  });
}
