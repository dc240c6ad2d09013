// Runs before anything is painted, so that neither the language nor the theme changes under the reader's eyes, and so that
// words and menu are on their way while the scripts still are. A classic script: `data-words` names the catalogues of the
// page, `data-fetch` what else it needs at once.
(() => {
  const own = document.currentScript.dataset;
  const root = document.documentElement;
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  };
  const theme = kept('comanda.theme');
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
  const known = ['en', 'ru'];
  const asked = [kept('comanda.language'), ...(navigator.languages || [])].map((tag) => (tag || '').slice(0, 2).toLowerCase());
  root.lang = asked.find((tag) => known.includes(tag)) || known[0];
  const early = (globalThis.comandaEarly = {});
  const begin = (name, path) => {
    early[name] = fetch(path, { priority: 'high' }).then((response) => (response.ok ? response.json() : Promise.reject(new Error(path))));
    early[name].catch(() => delete early[name]);
  };
  for (const name of (own.words || '').split(' ').filter(Boolean)) begin(`${root.lang}/${name}`, `/i18n/${root.lang}/${name}.json`);
  for (const path of (own.fetch || '').split(' ').filter(Boolean)) begin(path, path);
})();
