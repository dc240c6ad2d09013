// Where the focus goes when what had it is gone: a row was done, a button was put away, a list was sorted anew. Never to the top.

/** What had the focus last outside a dialog, with its place in its list. */
let last = null;
let looking = false;

/** Watches the page for as long as it lives. */
export function keepFocus(home) {
  document.addEventListener('focusin', ({ target }) => !target.closest('dialog') && note(target));
  // Whoever presses on empty paper means to have no focus; what lost it because it went away is found again.
  document.addEventListener('pointerdown', ({ target }) => !target.closest('a, button, input, [tabindex], dialog') && (last = null));
  const look = () => {
    if (looking) return;
    looking = true;
    requestAnimationFrame(() => ((looking = false), find(home)));
  };
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['style', 'disabled', 'open'] });
}

function note(element) {
  const row = element.closest('li[data-row]');
  const list = row?.parentElement;
  last = { element, row, list, place: list ? rowsOf(list).indexOf(row) : -1, kind: element.dataset.act };
}

const rowsOf = (list) => [...list.querySelectorAll(':scope > li[data-row]')];

const usable = (element) => element?.isConnected && !element.disabled && element.checkVisibility();

function find(home) {
  const at = document.activeElement;
  if (!last || document.querySelector('dialog[open]') || (at && at !== document.body && usable(at))) return;
  // An answer is under way: the button comes back, or its row goes.
  if (last.element.isConnected && last.element.disabled) return;
  (usable(last.element) ? last.element : nextTo(last) || home())?.focus({ preventScroll: usable(last.element) });
}

/** The same button of the row that took the place, else any of the row itself, else the last row. */
function nextTo({ row, list, place, kind }) {
  if (usable(row)) return buttonOf(row, '');
  if (!list?.isConnected) return null;
  const rows = rowsOf(list);
  const next = rows[Math.min(place, rows.length - 1)];
  return next && buttonOf(next, kind);
}

function buttonOf(row, kind) {
  const buttons = [...row.querySelectorAll('button')].filter(usable);
  return buttons.find((button) => kind && button.dataset.act === kind) || buttons[0];
}
