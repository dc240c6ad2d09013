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

/** Presses Tab until something with this name (a text or a pattern) has the focus. */
export async function tabTo(page, name, { back = false, most = 200 } = {}) {
  const fits = (text) => (name instanceof RegExp ? name.test(text) : text.includes(name));
  const passed = [];
  for (let count = 0; count < most; count += 1) {
    const text = await focused(page);
    if (text && fits(text)) return;
    passed.push(text);
    await page.keyboard.press(back ? 'Shift+Tab' : 'Tab');
  }
  throw new Error(`Tab does not lead to ${name}; it leads to ${[...new Set(passed)].join(' | ')}`);
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
