// What guests ask of the kitchen: read once for each ticket, kept only while it is open.

import { Alpine } from '../core/page.js';
import { ask } from './session.js';

/** Notes by order; reactive. An empty one was looked for and is none. */
const notes = Alpine.reactive({});
let wanted = [];
let reading = false;

/** Gives the note of an order, as far as it is known. */
export function noteOf(id) {
  return notes[id] || '';
}

/** Reads the notes of open orders, one after the other, and forgets those of others. */
export async function meet(ids) {
  wanted = ids;
  for (const id of Object.keys(Alpine.raw(notes))) if (!ids.includes(id)) delete notes[id];
  if (reading) return;
  reading = true;
  for (let id; (id = wanted.find((one) => Alpine.raw(notes)[one] === undefined)); ) {
    try {
      notes[id] = (await ask(`/v1/orders/${id}/contact`)).note || '';
    } catch (error) {
      // Whoever was forgotten asks for nothing; a lost answer is asked for again with the next tickets.
      if (error.status !== 404) break;
      notes[id] = '';
    }
  }
  reading = false;
}
