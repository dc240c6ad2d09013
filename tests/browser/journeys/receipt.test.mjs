// The receipt on paper: what belongs there, dark on white, on one sheet, and nothing of the page around it.

import assert from 'node:assert/strict';

import { titled } from '../lib/guest.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { be } from '../lib/people.mjs';

journey('s4_u04: a receipt is printed: only what belongs on paper, from a dark page too', {}, async ({ platform, open }) => {
  const guest = await platform.guest();
  const order = await platform.order({ lines: [{ item: 'margherita', quantity: 2, size: 'M', options: ['extra_cheese'] }, { item: 'tiramisu', quantity: 1 }] }, guest);
  await platform.reaches(order, 'delivered');
  const page = await open('/', { screen: 'desk' });
  await page.evaluate(() => localStorage.setItem('comanda.theme', 'dark'));
  await be(page, guest);
  await page.goto(`/order/${order}`);
  await titled(page, 'Enjoy your meal');
  let printed = 0;
  await page.exposeFunction('wasPrinted', () => (printed += 1));
  await page.evaluate(() => (globalThis.print = () => globalThis.wasPrinted()));
  await page.getByRole('button', { name: 'Print the receipt' }).press('Enter');
  await platform.eventually('it was printed', () => printed === 1);
  await page.emulateMedia({ media: 'print' });
  await picture(page, 'receipt-paper');
  const seen = await page.locator('body').innerText();
  for (const text of ['Comanda', order, '2 × Margherita', 'Medium, Extra cheese', '1 × Tiramisu', 'Total', 'Paid by card', 'Tax']) assert.ok(seen.includes(text), `${text} is missing on paper: ${seen}`);
  for (const text of ['My orders', 'How far it is', 'Print', 'Enjoy', 'Share', 'Order again', 'Skip', 'dough made']) assert.ok(!seen.includes(text), `${text} does not belong on paper`);
  // What fades from one colour to the next is printed in between, and where motion is not wanted nothing may fade.
  const fades = await page.locator('.receipt').evaluate((receipt) => getComputedStyle(receipt).transitionDuration);
  assert.equal(fades, '0s', 'colours fade on their way to paper');
  const dark = await page.locator('.receipt *:visible').evaluateAll((all) => all.filter((one) => {
    const [red, green, blue] = getComputedStyle(one).color.match(/[\d.]+/g).map(Number);
    return one.checkVisibility() && one.childElementCount === 0 && red + green + blue > 3 * 128;
  }).map((one) => one.textContent));
  assert.deepEqual(dark, [], 'too light for white paper');
  const sheets = (await page.pdf({ format: 'A5' })).toString('latin1').match(/\/Type\s*\/Page\b/g);
  assert.equal(sheets?.length, 1, 'sheets of paper');
});
