// When the shop is open, by its own clock: until when, or from when on.

import { clock, t, weekday } from '../core/i18n.js';

const DAY = 1440;
const clocks = new Map();
const WEEK = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

/**
 * Tells whether the shop is open at a moment: `{ now, closes }` or `{ now, opens: { days, weekday, minute } }`, in minutes
 * of the shop's day. An empty week means always. A span may last past midnight.
 */
export function open(shop, at = new Date()) {
  if (!shop.opening.length || shop.opening.every((day) => !day.length)) return { now: true };
  // Whoever never closes needs no clock.
  if (shop.opening.every((day) => day.some((span) => span.opens_minute === 0 && span.closes_minute === DAY))) return { now: true, closes: null };
  const parts = Object.fromEntries(clockOf(shop.time_zone).formatToParts(at).map((part) => [part.type, part.value]));
  const today = WEEK.indexOf(parts.weekday);
  const minute = Number(parts.hour) * 60 + Number(parts.minute);
  const spans = (day) => shop.opening[(today + day + 7) % 7] || [];
  const covers = (day, shift) => spans(day).find((span) => span.opens_minute <= minute + shift && minute + shift < span.closes_minute);
  const span = covers(0, 0) || covers(-1, DAY);
  if (span) return { now: true, closes: span.opens_minute === 0 && span.closes_minute === DAY ? null : span.closes_minute };
  for (let days = 0; days <= 7; days += 1) {
    const starts = spans(days).map((one) => one.opens_minute).filter((start) => days > 0 || start > minute);
    if (starts.length) return { now: false, opens: { days, weekday: (today + days) % 7, minute: Math.min(...starts) } };
  }
  return { now: false };
}

/** Gives the clock of a zone; one is dear to make on a slow phone. */
function clockOf(timeZone) {
  if (!clocks.has(timeZone)) clocks.set(timeZone, new Intl.DateTimeFormat('en', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }));
  return clocks.get(timeZone);
}

/** Says it in words. */
export function hoursText(shop, at = new Date()) {
  const told = open(shop, at);
  const time = (minute) => clock((minute % DAY) * 60000, 'UTC');
  if (told.now) return told.closes === null || told.closes === undefined ? t('hours.always') : t('hours.until', { at: time(told.closes) });
  if (!told.opens) return t('hours.closed');
  const { days, minute } = told.opens;
  if (days < 2) return t(days ? 'hours.opens_tomorrow' : 'hours.opens', { at: time(minute) });
  return t('hours.opens_day', { day: weekday(told.opens.weekday), at: time(minute) });
}
