// Without a connection: says so, says what waits, and goes on by itself when the line is back.

import { start } from '../core/page.js';
import { load } from './cart.js';
import { waiting } from './placing.js';

function page() {
  return {
    waits: Boolean(waiting()),
    count: load().reduce((sum, line) => sum + line.quantity, 0),
    init() {
      addEventListener('online', () => this.again());
      setInterval(() => this.knock(), 3000);
    },
    /** A browser may believe that it is online, or off, and be wrong: the shop itself is asked. */
    async knock() {
      const answer = await fetch('/healthz', { cache: 'no-store' }).catch(() => null);
      if (answer?.ok) this.again();
    },
    again() {
      if (location.pathname === '/offline') location.assign('/');
      else location.reload();
    },
  };
}

start({ words: ['shop'], parts: { offline: page } });
