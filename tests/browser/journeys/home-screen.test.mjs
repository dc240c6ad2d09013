// A shop that can be put on the home screen: its manifest is whole and its icons are what it says.

import assert from 'node:assert/strict';

import { journey } from '../lib/journey.mjs';
import { ready } from '../lib/people.mjs';

journey('the shop can be put on the home screen', {}, async ({ open }) => {
  const page = await open('/', { screen: 'phone' });
  await ready(page);
  const browser = await page.context().newCDPSession(page);
  const { errors } = await browser.send('Page.getAppManifest');
  assert.deepEqual(errors, []);
  const said = await page.evaluate(async () => (await fetch(document.querySelector('link[rel=manifest]').href)).json());
  assert.ok(said.name && said.start_url === '/' && said.display === 'standalone', JSON.stringify(said));
  for (const { src, sizes, type } of said.icons) {
    const size = await page.evaluate(async (path) => {
      const picture = new Image();
      picture.src = path;
      await picture.decode();
      return picture.naturalWidth;
    }, src);
    assert.ok(type === 'image/svg+xml' || sizes.split(' ').includes(`${size}x${size}`), `${src} is ${size} px`);
  }
  assert.ok(said.icons.some(({ sizes }) => sizes.includes('512x512')) && said.icons.some(({ sizes }) => sizes.includes('192x192')));
});
