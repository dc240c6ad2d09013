// A platform in a process and a folder of its own, and what a journey does to it behind the pages' back.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
/** How long something may take that must come. */
const PATIENCE_MS = 30000;
/** Cooks and couriers hurry, and nobody is told to wait. */
const HURRY = { kitchen_time_scale: 2000, delivery_time_scale: 20000, rate_limit_per_second: 100000 };

/** The binary under test: the one named by COMANDA, else the newest that is built for shipping or for trying. */
function binary() {
  const known = [process.env.COMANDA, join(ROOT, 'target/release/comanda'), join(ROOT, 'target/debug/comanda')];
  const found = known.find((path) => path && existsSync(path));
  if (!found) throw new Error('there is no binary: build it, or name it in COMANDA');
  return found;
}

/** Starts a platform. `settings` are those of `--set`, `provider` is how the payment provider mock behaves, `web` a folder of pages. */
export async function start({ settings = {}, provider, web = process.env.COMANDA_WEB, bare = false } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'comanda-journey-'));
  const platform = new Platform(folder, { settings: { ...HURRY, ...settings }, web, bare });
  await platform.open();
  if (provider) await platform.setProvider(provider);
  return platform;
}

export class Platform {
  #process;
  #how;
  #keys = 0;

  constructor(folder, how) {
    this.folder = folder;
    this.data = join(folder, 'data');
    this.#how = how;
  }

  /** Starts the process, at the address that it had before, and waits until it is ready. */
  async open() {
    const listen = this.url ? new URL(this.url).host : '127.0.0.1:0';
    const args = ['up', '--data', this.data, '--listen', listen];
    for (const [name, value] of Object.entries(this.#how.settings)) args.push('--set', `${name}=${value}`);
    if (this.#how.web) args.push('--web', resolve(ROOT, this.#how.web));
    if (this.#how.bare) args.push('--bare');
    this.#process = spawn(binary(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let complaint = '';
    this.#process.stderr.on('data', (chunk) => (complaint = `${complaint}${chunk}`.slice(-2000)));
    await new Promise((opened, failed) => {
      this.#process.once('error', failed);
      this.#process.once('close', (code) => failed(new Error(`the platform ended with ${code}: ${complaint}`)));
      createInterface({ input: this.#process.stdout }).on('line', (line) => {
        const words = line.trim().split(/\s+/);
        if (words[0] === 'shop') this.url = words[1].replace(/\/$/, '');
        if (line.includes('payment provider mock')) this.provider = words.at(-1);
        if (words[0] === 'Stop') opened();
      });
    });
    await this.eventually('the platform is ready', async () => (await fetch(`${this.url}/readyz`)).ok);
    this.staff = (await readFile(join(this.data, 'staff.token'), 'utf8')).trim();
  }

  /** Ends the process as Ctrl-C would; the folder stays. */
  async close(signal = 'SIGINT') {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((done) => this.#process.once('exit', done));
    this.#process.kill(signal);
    await ended;
  }

  /** Ends everything, folder included. */
  async end() {
    await this.close('SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Sends a request; `as` is a token, staff's when not said, none when empty. Gives status and body. */
  async send(method, path, body, { as = this.staff, key = `journey-${process.pid}-${(this.#keys += 1)}` } = {}) {
    const headers = { 'content-type': 'application/json', 'idempotency-key': key };
    if (as) headers.authorization = `Bearer ${as}`;
    const answer = await fetch(`${this.url}${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await answer.text();
    return { status: answer.status, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text };
  }

  /** Reads as staff. */
  async look(path) {
    const { status, body } = await this.send('GET', path);
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  /** Gives the token of a new guest. */
  async guest() {
    return (await this.send('POST', '/v1/devices', undefined, { as: '' })).body.token;
  }

  /** Places an order as a guest; gives the order's id. */
  async order(changes = {}, as = undefined) {
    const token = as ?? (await this.guest());
    const order = {
      lines: [{ item: 'margherita', quantity: 1 }],
      payment: { method: 'card', card_token: 'tok_visa' },
      contact: { name: 'Ada', phone: '+1 555 0100', address: '1 Test Street' },
      ...changes,
    };
    const { status, body } = await this.send('POST', '/v1/orders', order, { as: token });
    if (status !== 201) throw new Error(`no order: ${status} ${JSON.stringify(body)}`);
    return body.order_id;
  }

  /** Waits until an order is in a state, and gives it as staff see it. */
  async reaches(id, state) {
    let order;
    await this.eventually(`${id} is ${state}`, async () => (order = await this.look(`/v1/orders/${id}`)).state === state);
    return order;
  }

  /** Waits until the kitchen has the ticket of an order. */
  async booked(id) {
    const works = ({ status, body }) => status === 200 && ['booked', 'cooking'].includes(body.state);
    await this.eventually(`${id} is in the kitchen`, async () => works(await this.send('GET', `/v1/kitchen/tickets/${id}`)));
  }

  /** A cook says that a whole order is done. */
  async bump(id) {
    await this.booked(id);
    const { status, body } = await this.send('POST', `/v1/kitchen/tickets/${id}/bump`, {});
    if (status !== 200) throw new Error(`not done: ${status} ${JSON.stringify(body)}`);
  }

  /** Sets how the payment provider mock behaves. */
  async setProvider(changes) {
    const before = await (await fetch(`${this.provider}/v1/settings`)).json();
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${this.provider}/v1/settings`, { method: 'PUT', headers, body: JSON.stringify({ ...before, ...changes }) });
    if (!answer.ok) throw new Error(`the provider refuses its settings: ${await answer.text()}`);
  }

  /** Runs a command of the binary against this platform. */
  async command(...args) {
    const child = spawn(binary(), [...args, '--url', this.url, '--data', this.data], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk));
    const code = await new Promise((done) => child.once('close', done));
    if (code !== 0) throw new Error(`comanda ${args.join(' ')}: ${said}`);
    return said;
  }

  /** Waits until something holds. */
  async eventually(what, condition) {
    const until = Date.now() + PATIENCE_MS;
    let last;
    while (Date.now() < until) {
      try {
        if (await condition()) return;
      } catch (error) {
        last = error;
      }
      await new Promise((next) => setTimeout(next, 20));
    }
    throw new Error(`waited in vain: ${what}`, { cause: last });
  }
}
