// A journey: a platform of its own, pages in a real browser, and the guard over all of them.

import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { chromium } from 'playwright-core';

import { Guard } from './guard.mjs';
import { ROOT, start } from './platform.mjs';

/** The screens that pages are made for. */
export const SCREENS = {
  phone: { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
  tablet: { viewport: { width: 1024, height: 768 }, deviceScaleFactor: 1, hasTouch: true },
  desk: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 },
};
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--disable-dev-shm-usage',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** How long a whole journey may take, and how long a page may take for one thing. */
const JOURNEY_MS = 180000;
const STEP_MS = 15000;

let browser;
const launched = () => (browser ??= chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ARGS }));
after(async () => (await browser)?.close());

/**
 * Declares a journey. `how` says on which platform (see `start`); `walk` gets the platform and `open(path, look)`, which opens a page:
 * `screen` (phone, tablet, desk), `locale`, `scheme` (light, dark), `motion` (`reduce` when not said, so that pictures stand still).
 */
export function journey(name, how, walk) {
  test(name, { timeout: JOURNEY_MS }, async () => {
    const platform = await start(how);
    const contexts = [];
    const open = async (path, look = {}) => {
      const person = await meet(platform, look);
      contexts.push(person);
      const page = await person.context.newPage();
      page.guard = person.guard;
      await page.goto(path);
      return page;
    };
    try {
      await walk({ platform, open });
      for (const { guard } of contexts) assert.deepEqual(guard.wrong, [], 'what a page may never do');
    } catch (error) {
      await Promise.all(contexts.map(({ context }, index) => failed(context, `${name}-${index}`)));
      const wrong = contexts.flatMap(({ guard }) => guard.wrong);
      if (wrong.length > 0 && !(error instanceof assert.AssertionError && error.message.includes('may never'))) {
        error.message += `\nthe pages: ${wrong.join('\n')}`;
      }
      throw error;
    } finally {
      // Whatever leaving says: a platform that goes on would keep this process from its end.
      await Promise.all(contexts.map(leave)).finally(() => platform.end());
    }
  });
}

/** Somebody with a browser of their own: nothing is known of them yet. */
async function meet(platform, { screen = 'desk', locale = 'en-US', scheme = 'light', motion = 'reduce', ...more }) {
  const person = { ...SCREENS[screen], locale, colorScheme: scheme, reducedMotion: motion, timezoneId: 'America/New_York', ...more };
  const context = await (await launched()).newContext({ baseURL: platform.url, ...person });
  context.setDefaultTimeout(STEP_MS);
  const met = { context, guard: new Guard(context, platform.url), left: false };
  context.once('close', () => (met.left = true));
  return met;
}

/** Closes what somebody has open, if a journey has not; an answer that it was just about to change is of no interest any more. */
async function leave({ context, left }) {
  if (left) return;
  await Promise.all([context, ...context.pages()].map((where) => where.unrouteAll({ behavior: 'ignoreErrors' })));
  await context.close();
}

/** Keeps what a page showed when its journey failed. */
async function failed(context, name) {
  for (const page of context.pages()) {
    const path = join(ROOT, 'target/pictures', `failed-${name.replace(/[^\w]+/g, '-').slice(0, 80)}.png`);
    await page.screenshot({ path, fullPage: true }).catch(() => {});
  }
}

/** Takes a picture for whoever asks for them: under docs/pictures when COMANDA_PICTURES is `docs`, under target/pictures when it is anything else. */
export async function picture(page, name, { whole = false } = {}) {
  const asked = process.env.COMANDA_PICTURES;
  if (!asked) return;
  const folder = join(ROOT, asked === 'docs' ? 'docs/pictures' : 'target/pictures');
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: whole, animations: 'disabled', caret: 'hide' });
}
