// Light or dark: the person's choice on this device, else what the system asks for.

const KEPT = 'comanda.theme';
export const THEMES = ['auto', 'light', 'dark'];

/** Gives the choice. */
export function theme() {
  return document.documentElement.dataset.theme || 'auto';
}

/** Makes a choice and keeps it. */
export function setTheme(word) {
  try {
    if (word === 'auto') localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, word);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
  if (word === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = word;
}
