// Placing an order once, whatever the network does: the wish and its key are kept on the device until they are answered.

import { newKey, Problem, settle } from '../core/api.js';
import { keep, kept } from '../core/page.js';

const KEPT = 'comanda.placing';
/** The platform remembers what it answered to a key for a day; an older wish must not be sent again. */
const REMEMBERED_MS = 20 * 3600 * 1000;
/** For so long a wish is asked about by itself; afterwards only when the guest orders. */
const FRESH_MS = 15 * 60 * 1000;

/** Gives the wish that was sent and never answered. */
export function waiting() {
  const found = kept(KEPT, null);
  if (!found?.key) return null;
  if (Date.now() - found.at > REMEMBERED_MS) {
    keep(KEPT, null);
    return null;
  }
  return found;
}

/** Tells whether a wish waits that the guest still expects to go on by itself. */
export function isFresh() {
  const found = waiting();
  return Boolean(found) && Date.now() - found.at < FRESH_MS;
}

/**
 * Places an order, or asks again about the one that was not answered. `asked` is what to place, and `insteadOf` the order in
 * whose place it comes, if any. Gives the order, and the wish that it came of. `hear(problem)` is told of every round that was
 * lost. A refusal is thrown and forgets the wish: the next one is another.
 */
export async function place(asked, hear) {
  // An older wish is answered first, whatever was changed since: it may have been placed, and a second key would double it.
  const wish = waiting() ?? { key: newKey(), at: Date.now(), ...asked };
  keep(KEPT, wish);
  try {
    const order = await settle('/v1/orders', { key: wish.key, body: wish.body }, hear);
    keep(KEPT, null);
    return { order, wish };
  } catch (error) {
    if (error instanceof Problem) keep(KEPT, null);
    throw error;
  }
}
