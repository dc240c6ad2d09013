// What journeys of the staff share: signing in by keyboard, and looking at a page in every look.

import { axe } from './axe.mjs';
import { picture } from './journey.mjs';
import { tabTo } from './keyboard.mjs';

/** Signs in as a person would, by keyboard. */
export async function signIn(page, platform) {
  const russian = await page.evaluate(() => document.documentElement.lang === 'ru');
  await page.locator('#token').waitFor();
  await tabTo(page, russian ? 'Токен сотрудников' : 'Staff token');
  await page.keyboard.type(platform.staff);
  await page.keyboard.press('Enter');
  await page.locator('.live[data-live="live"]').waitFor();
}

/** Asks axe about a page in both languages and both themes, and takes pictures. */
export async function everyLook(page, name) {
  for (const language of ['en', 'ru']) {
    await page.waitForFunction((tag) => document.documentElement.lang === tag, language);
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await axe(page, `${name} ${language} ${scheme}`);
      await picture(page, `${name}-${language}-${scheme}`);
    }
    if (language === 'en') await page.locator('.pref[lang="ru"]').click();
  }
  await page.locator('.pref[lang="en"]').click();
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
}
