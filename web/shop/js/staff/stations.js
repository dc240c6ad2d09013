// Stations: what works, what is broken, and who is told; whether dishes end by the clock or by hand.

import { named, t } from '../core/i18n.js';
import { act, ask } from './session.js';
import { house, refresh, replace } from './house.js';
import { open } from './asking.js';

export function stations() {
  return {
    name(station) {
      return named(station.name) || station.slug;
    },
    /** How many open dishes wait for a station, as they are booked. */
    dishes(station) {
      const waits = (dish) => dish.steps.some((step, place) => place >= dish.step && step.station_id === station.station_id);
      return house.tickets.flatMap((ticket) => ticket.dishes).filter(waits).length;
    },
    alone(station) {
      return !house.stations.some((other) => other.kind === station.kind && other.station_id !== station.station_id && !other.broken);
    },
    breakIt(station) {
      const n = this.dishes(station);
      open({
        title: t('break.title', { name: this.name(station) }),
        text: t(`break.text.${this.alone(station) ? (n ? 'alone' : 'none') : n ? 'others' : 'spare'}`, { n }),
        fields: [{ name: 'reason', label: t('reason.label'), needed: true }],
        yes: t('break.yes'),
        tone: 'bad',
        done: t('break.done', { name: this.name(station) }),
        run: ({ reason }) => this.set(station, 'break', reason),
      });
    },
    repair(station) {
      open({
        title: t('repair.title', { name: this.name(station) }),
        fields: [{ name: 'reason', label: t('reason.label') }],
        yes: t('repair.yes'),
        tone: 'good',
        done: t('repair.done', { name: this.name(station) }),
        run: ({ reason }) => this.set(station, 'repair', reason),
      });
    },
    get mode() {
      return house.settings?.by_hand ? 'hand' : 'clock';
    },
    /** Asks whether dishes are to end the other way from now on. */
    switchMode() {
      let { version } = house.settings;
      const by_hand = !house.settings.by_hand;
      const mode = by_hand ? 'hand' : 'clock';
      open({
        title: t(`mode.${mode}.title`),
        text: t(`mode.${mode}.text`),
        fields: [{ name: 'reason', label: t('reason.label') }],
        yes: t(`mode.${mode}.yes`),
        done: t(`mode.${mode}.done`),
        run: async ({ reason }) => {
          house.settings = await act('/v1/kitchen/settings', { ...house.settings, by_hand, version, reason }, 'PUT');
        },
        refused: async (error) => {
          if (error.code !== 'stale_version') return null;
          house.settings = await ask('/v1/kitchen/settings');
          version = house.settings.version;
          return { text: t('stale.title'), notes: [t('stale.now', { value: t(`mode.${this.mode}`) })], yes: t('stale.again') };
        },
      });
    },
    async set(station, verb, reason) {
      replace('stations', 'station_id', await act(`/v1/kitchen/stations/${station.station_id}/${verb}`, { reason }));
      refresh('tickets');
    },
  };
}
