// Goes through a page by keyboard alone.

/** What has the focus, as a screen reader would name it. */
export async function focused(page) {
  return page.evaluate(() => {
    const at = document.activeElement;
    if (!at || at === document.body) return '';
    const by = at.getAttribute('aria-labelledby')?.split(' ').map((id) => document.getElementById(id)?.textContent).join(' ');
    const labels = at.labels ? [...at.labels].map((label) => label.textContent).join(' ') : '';
    return (by || at.getAttribute('aria-label') || labels || at.textContent || at.getAttribute('placeholder') || at.tagName).replace(/\s+/g, ' ').trim();
  });
}

/** How long something may take to come into the way of Tab, and how often Tab is pressed at least. */
const PATIENCE_MS = 15000;
const ROUND = 200;

/**
 * Presses Tab until something with this name (a text or a pattern) has the focus. Whoever goes round faster than the page is
 * drawn goes round again: on a busy machine a dialog may open, or a list come, only then.
 */
export async function tabTo(page, name, { back = false } = {}) {
  const fits = (text) => (name instanceof RegExp ? name.test(text) : text.includes(name));
  const passed = new Set();
  const until = Date.now() + PATIENCE_MS;
  for (let count = 0; count < ROUND || Date.now() < until; count += 1) {
    const text = await focused(page);
    if (text && fits(text)) return;
    passed.add(text);
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
    // What was pressed is drawn, and what waited for that is done.
    if (count % 20 === 19) await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))));
  }
  throw new Error(`Tab does not lead to ${name}; it leads to ${[...passed].join(' | ')}`);
}

/** Waits until something with this name has the focus: what lost it with its row finds it again a moment later. */
export async function focusComes(page, name) {
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    const text = await focused(page);
    if (name.test(text)) return;
    if (Date.now() > until) throw new Error(`the focus is on ${text || 'nothing'}, and not on ${name}`);
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(drawn)));
  }
}

/** Goes there by Tab and presses it. */
export async function press(page, name, key = 'Enter') {
  await tabTo(page, name);
  await page.keyboard.press(key);
}

/** Goes there by Tab and types. */
export async function type(page, name, text) {
  await tabTo(page, name);
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type(text);
}
