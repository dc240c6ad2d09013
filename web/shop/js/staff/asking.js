// The one dialog of the staff's pages: it asks what an act needs, and explains a refusal.

import { Alpine, say } from '../core/page.js';
import { t } from '../core/i18n.js';
import { wrong } from './words.js';

/** Reactive: `$store.asking` of the templates. */
let asking = { spec: null, values: {}, error: '', busy: false, notes: [], bad: '' };
/** Whether something is about to be asked. */
let opening = false;

export function build() {
  Alpine.store('asking', asking);
  asking = Alpine.store('asking');
}

/**
 * Opens the dialog. `fields`: `{name, label, value, kind, hint(value), options, needed}`; `run(values)` does the
 * act; `refused(error, values)` may give `{notes, values, yes}` to explain and ask again instead of only showing the problem.
 */
export function open(spec) {
  asking.spec = { fields: [], tone: '', ...spec };
  asking.values = Object.fromEntries(asking.spec.fields.map((field) => [field.name, field.value ?? '']));
  Object.assign(asking, { error: '', bad: '', busy: false, notes: spec.notes || [] });
  opening = true;
  Alpine.nextTick(() => {
    opening = false;
    if (!dialog().open) dialog().showModal();
    dialog().querySelector('input, textarea, button[type=submit]')?.focus();
  });
}

const dialog = () => document.getElementById('asking');
const focus = (part) => document.getElementById(`asking-${part}`)?.focus();

export function asker() {
  return {
    hint(field) {
      return field.hint?.(asking.values[field.name]) || '';
    },
    close() {
      dialog().close();
    },
    /** A dialog says so with the next frame: whoever is quick has opened it again by then. */
    closed() {
      if (!opening && !dialog().open) asking.spec = null;
    },
    pick(field, option) {
      asking.values[field] = option;
      focus(field);
    },
    async send() {
      const spec = asking.spec;
      if (!spec || asking.busy) return;
      const missing = spec.fields.find((field) => field.needed && !String(asking.values[field.name]).trim());
      if (missing) return this.refuse(t('ask.needed', { field: missing.label }), missing.name);
      const checked = spec.check?.(asking.values);
      if (checked) return this.refuse(checked.text, checked.field);
      Object.assign(asking, { busy: true, error: '', bad: '' });
      try {
        await spec.run(asking.values);
        if (asking.spec === spec || !asking.spec) this.close();
        if (spec.done) say(spec.done);
      } catch (error) {
        const told = await spec.refused?.(error, asking.values).catch(() => null);
        if (told) {
          asking.notes = told.notes;
          Object.assign(asking.values, told.values);
          if (told.yes) asking.spec.yes = told.yes;
          asking.error = told.text || '';
        } else {
          asking.error = wrong(error);
        }
        Alpine.nextTick(() => focus('error'));
      } finally {
        asking.busy = false;
      }
    },
    refuse(text, field) {
      asking.error = text;
      asking.bad = field;
      Alpine.nextTick(() => focus(field));
    },
  };
}
