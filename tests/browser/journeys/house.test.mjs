// The house itself: the first page opens, everybody can use it, and the guard would see what no page may do.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

import { axe } from '../lib/axe.mjs';
import { journey, picture } from '../lib/journey.mjs';
import { ROOT } from '../lib/platform.mjs';

/** All scripts that somebody can come to load, as browsers take them. Guests never load those of the staff. */
const SCRIPTS_BYTES_MAX = 60_000;

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

journey('all scripts together are light', {}, async ({ platform }) => {
  const shop = join(ROOT, 'web/shop');
  const scripts = readdirSync(shop, { recursive: true }).filter((path) => path.endsWith('.js'));
  const others = { guests: 'js/staff/', staff: 'js/shop/' };
  for (const [who, foreign] of Object.entries(others)) {
    const own = scripts.filter((path) => !path.startsWith(foreign));
    const all = own.reduce((sum, path) => sum + brotliCompressSync(readFileSync(join(shop, path))).length, 0);
    const missed = all <= SCRIPTS_BYTES_MAX ? '' : '; MISSED';
    console.log(`row S0-N05: the ${own.length} scripts of ${who} weigh ${(all / 1000).toFixed(1)} kB packed, ${SCRIPTS_BYTES_MAX / 1000} at most${missed}`);
    assert.ok(own.length > 5 && all <= SCRIPTS_BYTES_MAX, `${who}: ${all} bytes, ${SCRIPTS_BYTES_MAX} at most`);
  }
  const answer = await fetch(`${platform.url}/${scripts[0]}`);
  assert.ok(answer.ok && answer.headers.get('content-type').startsWith('text/javascript'), scripts[0]);
});
