// Who uses the pages: a guest whom the platform knows, and the staff.

/** Makes a page that of a guest with this token, as the cookie of their earlier visits would. */
export async function be(page, token) {
  await page.context().addCookies([{ name: 'comanda_device', value: token, url: new URL(page.url()).origin }]);
}

/** Signs in as staff, at the page that is asked for. */
export async function signIn(page, platform, path = '/staff') {
  await page.goto(path);
  await page.locator('#token').fill(platform.staff);
  await page.locator('#token').press('Enter');
  await page.locator('#token').waitFor({ state: 'detached' });
}

/** Waits until a page has begun to work: its words are there and its parts are alive. */
export async function ready(page) {
  await page.locator('html.ready').waitFor({ state: 'attached' });
}
