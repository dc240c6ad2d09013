// The house itself: the first page opens, everybody can use it, and the guard would see what no page may do.

import assert from 'node:assert/strict';

import { axe } from '../lib/axe.mjs';
import { journey, picture } from '../lib/journey.mjs';

journey('s4_c10_s4_u01: the menu opens in a browser', {}, async ({ open }) => {
  const page = await open('/', { screen: 'phone' });
  await page.getByText('Margherita').first().waitFor();
  await axe(page);
  await picture(page, 'menu-phone');
});

journey('what is not there is said to people', {}, async ({ open }) => {
  const page = await open('/', {});
  page.guard.allow(/404 \(Not Found\)/);
  await page.goto('/no/such/page');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await axe(page);
});

journey('the guard sees what no page may do', {}, async ({ platform, open }) => {
  const page = await open('/no/such/page', {});
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'document.title = "run"';
    document.body.append(script);
    const picture = new Image();
    picture.src = 'http://localhost:1/elsewhere.png';
    setTimeout(() => missing(), 0);
    console.error('a complaint');
  });
  const seen = [/404/, /content security policy/i, /elsewhere/, /missing is not defined/, /a complaint/];
  const sees = (pattern) => page.guard.wrong.some((text) => pattern.test(text));
  await platform.eventually(`all of ${seen}`, () => seen.every(sees));
  assert.notEqual(await page.title(), 'run');
  page.guard.wrong.length = 0;
});
