// The line between a page and the platform: the stream alone is cut, the page sleeps; what it shows stays right.

import { journey, picture } from '../lib/journey.mjs';
import { titled } from '../lib/guest.mjs';
import { be } from '../lib/people.mjs';

const BY_HAND = { settings: { kitchen_by_hand: 1, kitchen_time_scale: 5, delivery_time_scale: 20000 } };
const EXPECTED = [/net::|Failed to load|502|503/];

async function follow({ platform, open }) {
  const guest = await platform.guest();
  const order = await platform.order({}, guest);
  await platform.reaches(order, 'cooking');
  const page = await open('/', { screen: 'phone' });
  page.guard.allow(...EXPECTED);
  await be(page, guest);
  await page.goto(`/order/${order}`);
  await titled(page, 'It is being made');
  await page.getByText('live', { exact: true }).waitFor();
  return { guest, order, page };
}

journey('s4_u03: while only the stream is cut the page asks again and again, and goes back to the stream', BY_HAND, async ({ platform, open }) => {
  const { guest, order, page } = await follow({ platform, open });
  const next = await platform.order({}, guest);
  await platform.reaches(next, 'cooking');
  let streams = 0;
  await page.route('**/events', (route) => {
    streams += 1;
    return route.abort();
  });
  await platform.close();
  await platform.open();
  await page.getByText('updated every few seconds').waitFor({ timeout: 60000 });
  await picture(page, 'polling-phone');
  await platform.bump(order);
  await titled(page, 'Enjoy your meal');
  // The same with an order that goes on: the stream comes back, and is what the page hears by.
  await page.goto(`/order/${next}`);
  await page.getByText('updated every few seconds').waitFor({ timeout: 60000 });
  await page.unroute('**/events');
  await page.getByText('live', { exact: true }).waitFor({ timeout: 60000 });
  if (streams < 2) throw new Error(`the stream was asked for ${streams} times`);
  let asked = 0;
  await page.route('**/progress', (route) => ((asked += 1), route.continue()));
  await platform.bump(next);
  await titled(page, 'Enjoy your meal');
  if (!asked) throw new Error('the page looked at nothing');
});

journey('s4_u05: a page that really slept, and whose line died meanwhile, wakes up with the right state', BY_HAND, async ({ platform, open }) => {
  const { order, page } = await follow({ platform, open });
  const tools = await page.context().newCDPSession(page);
  await tools.send('Page.setWebLifecycleState', { state: 'frozen' });
  await platform.close();
  await platform.open();
  await platform.bump(order);
  await platform.reaches(order, 'delivered');
  await tools.send('Page.setWebLifecycleState', { state: 'active' });
  await titled(page, 'Enjoy your meal');
});

journey('s4_u05: a page that slept for a while and lost nothing follows on', BY_HAND, async ({ platform, open }) => {
  const { order, page } = await follow({ platform, open });
  const tools = await page.context().newCDPSession(page);
  await tools.send('Page.setWebLifecycleState', { state: 'frozen' });
  await platform.bump(order);
  await platform.reaches(order, 'delivered');
  await tools.send('Page.setWebLifecycleState', { state: 'active' });
  await titled(page, 'Enjoy your meal');
});
