// The staff's token: kept in this tab only, shown to the platform in a header, never in an address.

import { call, newKey, settle } from '../core/api.js';

const KEPT = 'comanda.staff';
let token = read();
let leave = () => {};

function read() {
  try {
    return sessionStorage.getItem(KEPT) || '';
  } catch {
    return '';
  }
}

/** Gives the token, or nothing. */
export function tokenNow() {
  return token;
}

/** Names what is done when the platform does not know the token any more. */
export function whenRefused(hear) {
  leave = hear;
}

/** Tries a token; rejects with the platform's answer when it is none. */
export async function signIn(given) {
  await call('/v1/kitchen/settings', { token: given });
  token = given;
  try {
    sessionStorage.setItem(KEPT, given);
  } catch {
    // Without storage the token lasts as long as the page.
  }
}

/** Forgets the token. */
export function signOut() {
  token = '';
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // Nothing was kept.
  }
}

/** Reads something of the platform. */
export async function ask(path) {
  return guarded(call(path, { token }));
}

/** How long an act is sent again and again before its person hears that no answer came. */
const PATIENCE_MS = 12000;
/** Keys of acts of which nobody knows whether they happened: pressing again asks for the same act, not for another one. */
const unsure = new Map();

/** Does something once, however often it has to be sent, and however often it is pressed until its answer came. */
export async function act(path, body, method = 'POST') {
  const what = `${method} ${path} ${JSON.stringify(body)}`;
  const key = unsure.get(what) || newKey();
  unsure.set(what, key);
  try {
    const answer = await guarded(settle(path, { method, body, key, token, signal: AbortSignal.timeout(PATIENCE_MS) }));
    unsure.delete(what);
    return answer;
  } catch (error) {
    if (refusedForSure(error.status)) unsure.delete(what);
    throw error;
  }
}

/** Tells whether an answer says that the act did not happen and will not. */
export function refusedForSure(status) {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

async function guarded(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error.status === 401 && token) leave();
    throw error;
  }
}
