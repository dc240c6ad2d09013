// The service worker: what a page is made of is at hand without a connection; what is told in a page never comes from a cache.
//
// Files come from the network while there is one, so nobody sees an old shop, and from what was kept when there is none. A page
// that cannot be had is answered with the page that says so. Data (`/v1`) is not touched.

const KEPT = 'comanda-1';
const NEEDED = [
  '/offline', '/css/base.css', '/css/shop.css', '/js/core/early.js', '/js/core/page.js', '/js/core/api.js', '/js/core/i18n.js', '/js/core/money.js',
  '/js/shop/offline.js', '/js/shop/cart.js', '/js/shop/menu.js', '/js/shop/device.js', '/vendor/alpine-csp.js', '/i18n/en/shop.json', '/i18n/ru/shop.json', '/img/icon.svg', '/img/icons.svg', '/img/dishes/unpictured.svg',
];
const FILES = /^\/(css|js|i18n|img|vendor)\//;

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(NEEDED)).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  const old = (names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name)));
  event.waitUntil(caches.keys().then(old).then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate') event.respondWith(fetch(request).catch(() => caches.match('/offline')));
  else if (FILES.test(url.pathname)) event.respondWith(file(request));
});

async function file(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) {
      const copy = answer.clone();
      caches.open(KEPT).then((cache) => cache.put(request, copy));
    }
    return answer;
  } catch (lost) {
    const kept = await caches.match(request);
    if (kept) return kept;
    throw lost;
  }
}
