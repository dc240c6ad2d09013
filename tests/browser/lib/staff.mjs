// What journeys of the staff share: signing in by keyboard, and looking at a page in every look.

import assert from 'node:assert/strict';

import { axe } from './axe.mjs';
import { picture } from './journey.mjs';
import { tabTo } from './keyboard.mjs';

/** The theme in which each language is looked at. */
const THEMES = { en: 'light', ru: 'dark' };

/** Signs in as a person would, by keyboard. */
export async function signIn(page, platform) {
  const russian = await page.evaluate(() => document.documentElement.lang === 'ru');
  await page.locator('#token').waitFor();
  await tabTo(page, russian ? 'Токен сотрудников' : 'Staff token');
  await page.keyboard.type(platform.staff);
  await page.keyboard.press('Enter');
  await page.locator('.live[data-live="live"]').waitFor();
}

/** Shows a page in a theme, and waits until it is drawn in it: whoever looks at once sees some of it in the theme before. */
async function inTheme(page, scheme) {
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
  await page.waitForFunction((scheme) => matchMedia(`(prefers-color-scheme: ${scheme})`).matches, scheme);
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
}

/** Asks axe about a page in both languages and both themes, which have nothing to do with each other, and takes pictures. */
export async function everyLook(page, name) {
  for (const language of ['en', 'ru']) {
    await page.waitForFunction((tag) => document.documentElement.lang === tag, language);
    for (const scheme of ['light', 'dark']) {
      await inTheme(page, scheme);
      if (THEMES[language] === scheme) await axe(page, `${name} ${language} ${scheme}`);
      await picture(page, `${name}-${language}-${scheme}`);
    }
    if (language === 'en') await page.locator('.pref[lang="ru"]').click();
  }
  // The narrowest screen and the largest text, in the language with the longer words: nothing sticks out, no button loses its words.
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  await fits(page, `${name} at 320 px`);
  await picture(page, `${name}-320`);
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.evaluate(() => (document.documentElement.style.fontSize = '200%'));
  await fits(page, `${name} in letters of twice the size`);
  await page.evaluate(() => (document.documentElement.style.fontSize = ''));
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce', forcedColors: 'active' });
  await picture(page, `${name}-forced`);
  await page.locator('.pref[lang="en"]').click();
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce', forcedColors: 'none' });
}

async function fits(page, name) {
  const wrong = await page.evaluate(() => {
    const over = document.documentElement.scrollWidth - innerWidth;
    const cut = [...document.querySelectorAll('main button, main .badge, main h1, main h2, main h3')].filter((one) => {
      const box = one.getBoundingClientRect();
      const scrolls = one.closest('.kitchen__chips, .table');
      return one.checkVisibility() && !scrolls && (one.scrollWidth > one.clientWidth + 1 || box.right > innerWidth + 1);
    });
    return [...(over > 0 ? [`${over} px too wide`] : []), ...cut.slice(0, 5).map((one) => `cut: ${one.className} ${one.textContent.trim().slice(0, 60)}`)];
  });
  assert.deepEqual(wrong, [], name);
}
