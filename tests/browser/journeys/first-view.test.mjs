// The first view of the shop on a slow phone: how soon it is of use, how much it weighs, whether anything moves.

import assert from 'node:assert/strict';

import { journey } from '../lib/journey.mjs';

/** What Chromium's tools call slow 4G: 1.6 Mbit/s down, 0.75 up, 150 ms there and back. */
const SLOW_4G = { offline: false, latency: 150, downloadThroughput: (1.6 * 1024 * 1024) / 8, uploadThroughput: (0.75 * 1024 * 1024) / 8 };
const SLOWER = 4;
/** What is aimed at, on a machine that does nothing else. Here others may work beside it: a miss is said, and only far more fails. */
const USABLE_MS = 1500;
const FAILS_MS = 2500;
const BYTES_MAX = 100000;
/** Whoever else works on the machine makes it slower, never faster: the best of some visits counts. */
const VISITS = 6;

journey('s0_n05_s4_u01: the first view on a slow phone is of use soon, weighs little and does not move', {}, async ({ platform, open }) => {
  // A visit of somebody else fills the caches of the platform, none of the browser.
  await fetch(`${platform.url}/v1/menu`, { headers: { 'accept-encoding': 'gzip' } });
  let best = Infinity;
  for (let visit = 0; visit < VISITS && best > USABLE_MS; visit += 1) {
    const { usable, moved, bytes } = await first(open);
    assert.ok(moved < 0.01, `it moves: ${moved}`);
    // Served from a folder nothing is packed, so only the binary's own pages are weighed and timed.
    if (process.env.COMANDA_WEB) return;
    assert.ok(bytes < BYTES_MAX, `${bytes} bytes`);
    best = Math.min(best, usable);
  }
  console.log(`first view: of use after ${best} ms, ${USABLE_MS} at most${best <= USABLE_MS ? '' : '; MISSED'}`);
  assert.ok(best <= FAILS_MS, `of use after ${best} ms`);
});

/** Visits the shop for the first time, on a slow phone. */
async function first(open) {
  const page = await open('/healthz', { screen: 'phone', serviceWorkers: 'block' });
  // An answer that is no page has no icon.
  page.guard.allow(/favicon/);
  const tools = await page.context().newCDPSession(page);
  await tools.send('Network.enable');
  await tools.send('Network.clearBrowserCache');
  let bytes = 0;
  tools.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await tools.send('Network.emulateNetworkConditions', SLOW_4G);
  await tools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER });
  await page.addInitScript(() => {
    globalThis.moved = 0;
    const count = (list) => list.getEntries().forEach((entry) => (globalThis.moved += entry.hadRecentInput ? 0 : entry.value));
    new PerformanceObserver(count).observe({ type: 'layout-shift', buffered: true });
    // Of use: a dish can be chosen.
    const watch = new MutationObserver(() => {
      if (!document.querySelector('.dish__buy .button')?.textContent.trim()) return;
      watch.disconnect();
      requestAnimationFrame(() => setTimeout(() => (globalThis.usable = performance.now())));
    });
    watch.observe(document, { childList: true, subtree: true, characterData: true });
  });
  await page.goto('/');
  await page.waitForFunction(() => globalThis.usable);
  await page.waitForLoadState('networkidle');
  const seen = await page.evaluate(() => ({ usable: Math.round(globalThis.usable), moved: globalThis.moved }));
  await page.context().close();
  return { ...seen, bytes };
}
