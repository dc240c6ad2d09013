// Tickets as a display shows them: which dishes a station has to do, what comes later, and how urgent it is.

/** So long before its time a ticket asks for attention. */
const SOON_MS = 120000;
/** A plan that is so much later than what was promised is late; less is nothing that a guest would notice. */
const LATE_MS = 30000;

/** Gives the cards of a station kind (all kinds when it is empty), the oldest first. */
export function cards(tickets, kind, now, placed) {
  const shown = tickets.filter((ticket) => ticket.state === 'booked' || ticket.state === 'cooking').map((ticket) => card(ticket, kind, now, placed[ticket.order_id]));
  return shown.filter((card) => card.groups.length > 0).sort((a, b) => a.since - b.since);
}

function card(ticket, kind, now, order) {
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
      groups.set(key, { key, slug: dish.slug, size: dish.size, options: dish.options, here, at: dish.steps[dish.step].station, celsius: dish.steps[found].celsius, marks: [], ends: 0 });
    }
    const group = groups.get(key);
    group.marks.push({ dish: dish.dish, step: kind ? last : dish.step });
    const ends = Date.parse(dish.steps[kind ? last : found].ends_at);
    group.ends = Math.max(group.ends, ends);
    if (here) due = Math.min(due, ends);
  }
  const list = [...groups.values()].sort((a, b) => b.here - a.here);
  const promised = Date.parse(ticket.promised_at);
  const behind = Math.max(now - promised, Date.parse(ticket.ready_at) - promised);
  const late = now > promised || behind > LATE_MS;
  const left = kind ? (due === Infinity ? null : due - now) : promised - now;
  return {
    id: ticket.order_id,
    state: ticket.state,
    since: Date.parse(order?.accepted_at || ticket.starts_at),
    placed: order?.accepted_at || ticket.starts_at,
    payment: order?.payment,
    fulfilment: order?.fulfilment,
    groups: list,
    here: list.some((group) => group.here),
    left,
    promised,
    behind: Math.max(0, behind),
    urgency: late || (left !== null && left < 0) ? 'late' : promised - now < SOON_MS ? 'soon' : 'calm',
  };
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
