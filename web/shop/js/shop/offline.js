// Without a connection: says so, says what waits, and goes on by itself when the line is back.
//
// The service worker shows it at the address that was asked for, so going on is asking for that address again.

import { say, start } from '../core/page.js';
import { t } from '../core/i18n.js';
import { load } from './cart.js';
import { isFresh } from './device.js';

const KNOCK_MS = 3000;

function page() {
  return {
    // An order that was sent and not answered goes on by itself only while its guest still waits for it.
    waits: isFresh(),
    count: load().reduce((sum, line) => sum + line.quantity, 0),
    asking: false,
    still: false,

    init() {
      const seen = () => document.visibilityState === 'visible' && this.knock();
      addEventListener('online', seen);
      document.addEventListener('visibilitychange', seen);
      setInterval(seen, KNOCK_MS);
    },
    /** A browser may believe that it is online, or off, and be wrong: the shop itself is asked. */
    async knock() {
      if (this.asking) return;
      this.asking = true;
      const answer = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(2 * KNOCK_MS) }).catch(() => null);
      this.asking = false;
      if (answer?.ok) this.again();
      else return false;
    },
    /** Somebody asks by hand: an answer comes even if it is the same. */
    async tryIt() {
      this.still = false;
      if ((await this.knock()) !== false) return;
      this.still = true;
      say(t('offline.still'));
    },
    again() {
      // What was sent and not answered is asked about by the menu's page.
      if (isFresh() || location.pathname === '/offline') location.replace('/');
      else location.reload();
    },
  };
}

start({ words: ['shop'], parts: { offline: page } });
