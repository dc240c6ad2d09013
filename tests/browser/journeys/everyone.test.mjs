// Everybody can use every page: axe in both themes and both languages, and nothing wider than the smallest phone.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { journey } from '../lib/journey.mjs';
import { be, ready, signIn } from '../lib/people.mjs';

const VIEWS = ['board', 'kitchen', 'couriers', 'stock', 'menu', 'stations', 'records'];

/** Looks at a page as it is now. */
async function everybody(page, name) {
  await axe(page, name);
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${name} is ${over} px wider than its screen`);
}

for (const locale of ['en-US', 'ru-RU']) {
  for (const scheme of ['light', 'dark']) {
    journey(`everybody can use every page, in ${locale} and ${scheme}`, { settings: { kitchen_by_hand: 1 } }, async ({ platform, open }) => {
      const guest = await platform.guest();
      const cooking = await platform.order({}, guest);
      const declined = await platform.order({ payment: { method: 'card', card_token: 'tok_declined' } }, guest);
      const delivered = await platform.order({ payment: { method: 'cash' } }, guest);
      await platform.booked(cooking);
      await platform.bump(delivered);
      await platform.reaches(delivered, 'delivered');
      await platform.reaches(declined, 'cancelled');

      const page = await open('/', { screen: 'phone', locale, scheme });
      await ready(page);
      assert.equal(await page.locator('html').getAttribute('lang'), locale.slice(0, 2));
      await page.getByText(locale === 'ru-RU' ? 'Маргарита' : 'Margherita').first().waitFor();
      await everybody(page, '/');
      await be(page, guest);
      for (const order of [cooking, declined, delivered]) {
        await page.goto(`/order/${order}`);
        await page.locator('h1:visible').first().waitFor();
        await everybody(page, `the order page of ${order}`);
      }
      for (const path of ['/orders', '/offline']) {
        await page.goto(path);
        await ready(page);
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
      for (const view of VIEWS) {
        await staff.goto(`/staff/${view}`);
        await staff.locator('h1:visible').first().waitFor();
        await everybody(staff, `/staff/${view}`);
      }
    });
  }
}
