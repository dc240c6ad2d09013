// Lists the menu as it is, in the language of the page.
const list = document.querySelector('#menu');

function money({ amount_minor, currency }) {
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: 'currency', currency });
  return format.format(amount_minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

function line(item) {
  const entry = document.createElement('li');
  entry.textContent = `${item.name.en ?? item.slug}, ${money(item.from)}`;
  return entry;
}

try {
  const answer = await fetch('/v1/menu');
  if (!answer.ok) throw new Error(`the menu answers ${answer.status}`);
  const menu = await answer.json();
  list.append(...menu.items.filter((item) => item.available).map(line));
} catch {
  document.querySelector('#trouble').hidden = false;
} finally {
  list.setAttribute('aria-busy', 'false');
}
