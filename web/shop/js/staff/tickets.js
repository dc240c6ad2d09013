// Tickets as a display shows them: which dishes a station has to do, what comes later, and how urgent it is.

/** So long before its time a ticket asks for attention. */
const SOON_MS = 120000;
/** A plan that is so much later than what was promised is late; less is nothing that a guest would notice. */
const LATE_MS = 30000;

/**
 * Gives the cards of a station kind (all kinds when it is empty): what can be done now comes first, the oldest before the others.
 * A card that says the same as one of `before` is that one, so that a page need not draw it anew.
 */
export function cards(tickets, kind, placed, before = []) {
  const known = new Map(before.map((card) => [card.id, card]));
  const open = tickets.filter((ticket) => ticket.state === 'booked' || ticket.state === 'cooking');
  const made = open.map((ticket) => {
    const order = placed[ticket.order_id];
    const mark = [ticket.version, ticket.promised_at, ticket.ready_at, order?.version, kind, ...ticket.dishes.map((dish) => dish.step)].join();
    const old = known.get(ticket.order_id);
    return old?.mark === mark ? old : card(ticket, kind, order, mark);
  });
  return made.filter((card) => card.groups.length > 0).sort((a, b) => b.here - a.here || a.since - b.since || (a.id < b.id ? -1 : 1));
}

function card(ticket, kind, order, mark) {
  const groups = new Map();
  let due = Infinity;
  for (const dish of ticket.dishes) {
    const steps = dish.steps.length;
    if (dish.step >= steps) continue;
    const found = kind ? dish.steps.findIndex((step, place) => place >= dish.step && step.station === kind) : dish.step;
    if (found < 0) continue;
    const here = found === dish.step;
    const last = kind ? lastOf(dish, found, kind) : steps - 1;
    const key = [dish.line, found, here, dish.step].join();
    if (!groups.has(key)) {
      groups.set(key, { key, slug: dish.slug, size: dish.size, options: dish.options, here, at: dish.steps[dish.step].station, celsius: dish.steps[found].celsius, marks: [] });
    }
    groups.get(key).marks.push({ dish: dish.dish, step: kind ? last : dish.step });
    if (here) due = Math.min(due, Date.parse(dish.steps[kind ? last : found].ends_at));
  }
  const placed = Date.parse(order?.accepted_at || ticket.starts_at);
  const promised = Date.parse(ticket.promised_at);
  const list = [...groups.values()].sort((a, b) => b.here - a.here);
  return {
    id: ticket.order_id,
    mark,
    since: placed,
    fulfilment: order?.fulfilment,
    groups: list,
    here: list.some((group) => group.here),
    due: kind ? due : promised,
    promised,
    /** By how much what is planned is later than what was promised. */
    slips: Date.parse(ticket.ready_at) - promised,
    ...urgency({ due: kind ? due : promised, promised, slips: Date.parse(ticket.ready_at) - promised }, 0),
  };
}

/** How urgent a card is at a moment: `left` until its work here is due (none when it is not here yet), `behind` what was promised. */
export function urgency({ due, promised, slips }, now) {
  const behind = Math.max(0, now - promised, slips);
  const left = due === Infinity ? null : due - now;
  const late = now > promised || behind > LATE_MS || (left !== null && left < 0);
  return { left, behind, urgency: late ? 'late' : promised - now < SOON_MS ? 'soon' : 'calm' };
}

/** A kind may have several steps in a row; they are one piece of work for its cook. */
function lastOf(dish, from, kind) {
  let last = from;
  while (dish.steps[last + 1]?.station === kind) last += 1;
  return last;
}

/** What a bump of a card says: what is here, and everything when nothing is. */
export function marksOf(card, kind, ticket) {
  if (!kind) return ticket.dishes.filter((dish) => dish.step < dish.steps.length).map((dish) => ({ dish: dish.dish, step: dish.steps.length - 1 }));
  const here = card.groups.filter((group) => group.here);
  return (here.length ? here : card.groups).flatMap((group) => group.marks);
}

/** What cooks have bumped and can still take back, at a kind of station or anywhere. */
export function bumped(tickets, kind) {
  const found = [];
  for (const ticket of tickets) {
    const marks = ticket.dishes
      .filter((dish) => dish.recall_step < dish.step)
      .map((dish) => ({ dish: dish.dish, slug: dish.slug, size: dish.size, step: backTo(dish, kind) }))
      .filter((mark) => mark.step >= 0);
    const made = ticket.dishes.every((dish) => dish.step >= dish.steps.length);
    if (marks.length) found.push({ id: ticket.order_id, marks, leaves: made ? Date.parse(ticket.ready_at) : 0 });
  }
  return found.sort((a, b) => (b.leaves || 0) - (a.leaves || 0));
}

/** The step to which a recall at a kind of station takes a dish back; -1 when it was not bumped there. */
function backTo(dish, kind) {
  for (let step = dish.step - 1; step >= dish.recall_step; step -= 1) {
    if (!kind || dish.steps[step].station === kind) return step;
  }
  return -1;
}
