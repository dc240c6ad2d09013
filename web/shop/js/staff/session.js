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

/** Does something once, however often it has to be sent. */
export async function act(path, body, method = 'POST') {
  return guarded(settle(path, { method, body, key: newKey(), token, signal: AbortSignal.timeout(30000) }));
}

async function guarded(answer) {
  try {
    return await answer;
  } catch (error) {
    if (error.status === 401 && token) leave();
    throw error;
  }
}
