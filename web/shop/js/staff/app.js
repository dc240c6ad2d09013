// The staff's pages: sign in, then one view at a time, all live.

import { Alpine, say, start } from '../core/page.js';
import { named, t } from '../core/i18n.js';
import * as house from './house.js';
import * as session from './session.js';
import * as asking from './asking.js';
import { keepFocus } from './focus.js';
import { wakeBell } from './sound.js';
import { short, since, timer, wrong } from './words.js';
import { board } from './board.js';
import { couriers } from './couriers.js';
import { kitchen } from './kitchen.js';
import { menu } from './menu.js';
import { records } from './records.js';
import { stations } from './stations.js';
import { stock } from './stock.js';

const VIEWS = {
  board: ['orders', 'ended', 'tickets', 'deliveries'],
  kitchen: ['tickets', 'orders', 'stations', 'settings'],
  couriers: ['deliveries', 'orders'],
  stock: ['levels'],
  menu: ['items', 'menu'],
  stations: ['stations', 'tickets', 'settings'],
  records: [],
};

function staff() {
  return {
    views: Object.keys(VIEWS),
    view: 'board',
    signed: Boolean(session.tokenNow()),
    token: '',
    error: '',
    busy: false,
    toast: '',

    init() {
      session.whenRefused(() => this.leave(t('sign.over')));
      keepFocus(heading);
      addEventListener('popstate', () => this.go(asked(), false));
      house.hear((name, event) => {
        if (name === 'stock.low') this.warnOfLow(event.data);
      });
      this.view = asked();
      if (this.signed) this.enter();
      this.titled();
      addEventListener('language', () => this.titled());
    },
    async sign() {
      if (!this.token.trim()) return this.wrongToken(t('sign.empty'));
      this.busy = true;
      this.error = '';
      wakeBell();
      try {
        await session.signIn(this.token.trim());
        this.token = '';
        this.signed = true;
        this.enter();
        this.$nextTick(() => heading().focus());
      } catch (error) {
        this.wrongToken([401, 403].includes(error.status) ? t('sign.wrong') : wrong(error));
      } finally {
        this.busy = false;
      }
    },
    wrongToken(text) {
      this.error = text;
      this.$nextTick(() => document.getElementById('token').focus());
    },
    enter() {
      house.need(...VIEWS[this.view]);
      house.open(() => this.leave(t('sign.over')));
      this.$nextTick(() => this.tabbed());
    },
    leave(why = '') {
      if (!this.signed) return;
      session.signOut();
      house.close();
      for (const dialog of document.querySelectorAll('dialog[open]')) dialog.close();
      this.signed = false;
      this.toast = '';
      this.wrongToken(why);
    },
    go(view, push = true) {
      if (view === this.view) return;
      this.view = view;
      if (push) history.pushState(null, '', view === 'board' ? '/staff' : `/staff/${view}`);
      if (this.signed) house.need(...VIEWS[view]);
      this.titled();
      this.$nextTick(() => (this.tabbed(), heading().focus()));
    },
    /** On a phone the tabs are wider than the screen: the present one is brought into sight. */
    tabbed() {
      document.querySelector('.tab[aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' });
    },
    titled() {
      document.title = `${t(`view.${this.view}`)} · ${t('brand')}`;
    },
    get paused() {
      return house.house.services.filter((service) => service.paused).map((service) => t(`service.${service.service}`));
    },
    get live() {
      return house.house.status;
    },
    get ready() {
      return VIEWS[this.view].every((name) => house.house.there[name]);
    },
    get failing() {
      return VIEWS[this.view].some((name) => house.house.failed[name]);
    },
    async warnOfLow({ slug = '' }) {
      const level = house.house.levels.find((one) => one.slug === slug) || (await session.ask(`/v1/stock/${slug}`).catch(() => null));
      this.tell(t('stock.alert', { name: named(level?.name) || slug }));
    },
    tell(text) {
      this.toast = text;
      say(text);
      clearTimeout(this.fade);
      this.fade = setTimeout(() => (this.toast = ''), 12000);
    },
  };
}

/** Where the focus goes when there is no better place. */
function heading() {
  return document.querySelector('#main h1') || document.getElementById('main');
}

function asked() {
  const view = location.pathname.replace(/\/+$/, '').split('/')[2] || 'board';
  return VIEWS[view] ? view : 'board';
}

house.build();
asking.build();
Alpine.magic('short', () => short);
Alpine.magic('timer', () => timer);
Alpine.magic('since', () => since);
await start({ words: ['staff'], parts: { staff, board, kitchen, couriers, stock, menu, stations, records, asker: asking.asker } });
