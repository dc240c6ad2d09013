// Talks to the platform: JSON in, JSON out, problems as errors, and a lost answer asked for again under the same key.

import { language } from './i18n.js';

/** What the platform answered instead of what was asked for; `status` 0 means that no answer came. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || '');
    this.status = status;
    this.code = body.code || '';
    this.title = body.title || '';
    this.detail = body.detail || '';
    this.data = body;
  }

  /** Nobody knows whether the platform heard it: only a repeat under the same key can tell. */
  get lost() {
    return this.status === 0 || this.status === 502 || this.status === 504;
  }

  /** A repeat may succeed without anybody changing anything. */
  get passing() {
    return this.lost || this.status === 429 || this.status === 503;
  }
}

/** How long an answer may take before it counts as lost. */
const PATIENCE_MS = 15000;

/** Makes the key of one act: whoever repeats the act repeats the key, and it is done once. */
export function newKey() {
  // `randomUUID` is missing where the page did not come over TLS, as on a shop's own network.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * Sends one request. Gives the answer's JSON, or throws a `Problem`.
 * `key` names an act that may be repeated; `token` is the staff's, a guest is known by the cookie.
 */
export async function call(path, { method = 'GET', body, key, token, signal, patience = PATIENCE_MS, cache = 'no-store' } = {}) {
  const headers = { Accept: 'application/json', 'Accept-Language': language() };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (key) headers['Idempotency-Key'] = key;
  if (token) headers.Authorization = `Bearer ${token}`;
  const over = AbortSignal.timeout(patience);
  const signals = signal ? AbortSignal.any([signal, over]) : over;
  let response;
  let text;
  try {
    response = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: signals, cache });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Problem(0, { code: 'network_lost' });
  }
  const given = read(text);
  if (!response.ok) throw new Problem(response.status, { retry_after_seconds: Number(response.headers.get('Retry-After')) || undefined, ...given });
  // Not the platform's answer, whoever gave it: a network that wants a password answers 200 too.
  if (given === undefined) throw new Problem(0, { code: 'network_lost' });
  return given;
}

function read(text) {
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return undefined;
  }
}

/**
 * Sends a write until it is answered: what gets lost is sent again under the same key, so it is done once however often it
 * is sent. `waiting` hears why and that it is being tried again; `signal` gives up.
 */
export async function settle(path, options, waiting = () => {}) {
  const key = options.key || newKey();
  for (let round = 0; ; round += 1) {
    try {
      return await call(path, { method: 'POST', ...options, key });
    } catch (error) {
      if (!(error instanceof Problem) || !error.passing || options.signal?.aborted) throw error;
      waiting(error, round);
      const told = error.data.retry_after_seconds;
      await pause(told ? told * 1000 : Math.min(800 * 2 ** round, 8000), options.signal);
    }
  }
}

/** Waits, but no longer than until the network is back. */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener('online', done);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener('online', done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
