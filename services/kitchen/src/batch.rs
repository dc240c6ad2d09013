//! One commit of many tickets: the floors they share, what they say and the timers they set.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base::id::{OrderId, ShopId};
use base::{Fault, Id, NewEvent, Timestamp};
use host::Ctx;
use kitchen_api::events::{CookingFailed, CookingStarted, OrderReady, TicketChanged};
use sql::{Change, What};

use crate::domain::{Decision, Floor, Said, Ticket, Timer};
use crate::store;

/// How long an order waits before it is asked again whether all that was said of it was heard.
const UNHEARD_FOR: Duration = Duration::from_secs(5);

/// A change in the making.
pub struct Batch<'a> {
    ctx: &'a Ctx,
    now: Timestamp,
    change: Change,
    /// By shop: the floor as it was loaded and as it is now.
    floors: BTreeMap<ShopId, (Floor, Floor)>,
    /// Whether the floors are guarded even where no place is taken for longer: what goes into gaps leans on them too.
    guards_all: bool,
    /// The keys about which news lies in the dead letters, once somebody asked.
    unheard: Option<BTreeSet<i64>>,
}

impl<'a> Batch<'a> {
    /// Begins a change at this moment.
    pub fn begin(ctx: &'a Ctx) -> Batch<'a> {
        Batch { ctx, now: ctx.now(), change: Change::new(), floors: BTreeMap::new(), guards_all: false, unheard: None }
    }

    /// Gives the moment for which everything is decided.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Gives the moment before which no dish of an order is begun. While news of it lies in the dead letters that is later
    /// than now: it may be that the order was cancelled, so a person decides about the letters first.
    pub async fn begins(&mut self, order: OrderId) -> Result<Timestamp, Fault> {
        if self.unheard.is_none() {
            let parked = self.ctx.store().parked_keys().await?;
            let events = parked.into_iter().filter(|parked| parked.what == What::Event);
            self.unheard = Some(events.map(|parked| parked.key).collect());
        }
        let waits = self.unheard.as_ref().is_some_and(|keys| keys.contains(&order.number()));
        Ok(if waits { self.now + UNHEARD_FOR } else { self.now })
    }

    /// Gives the floor of a shop, with all that this change has booked there so far.
    pub async fn floor(&mut self, shop: ShopId) -> Result<&mut Floor, Fault> {
        if !self.floors.contains_key(&shop) {
            let floor = floor_or_empty(self.ctx, shop).await?;
            self.floors.insert(shop, (floor.clone(), floor));
        }
        Ok(&mut self.floors.get_mut(&shop).expect("it was just put there").1)
    }

    /// Adds a ticket that is not kept yet.
    pub fn insert(&mut self, ticket: &Ticket) {
        self.write(store::insert_ticket(ticket));
    }

    /// Adds what was decided about a ticket.
    pub fn keep(&mut self, before: &Ticket, after: &Ticket, decision: Decision, correlation: &str) {
        if !decision.changed {
            return;
        }
        self.write(store::update_ticket(before, after));
        for said in decision.said {
            self.change.events.push(event_of(after, said, self.now, correlation));
        }
        for timer in decision.timers {
            let (kind, due) = match timer {
                Timer::Start(due) => (store::START, due),
                Timer::Ready(due) => (store::READY, due),
            };
            match due {
                Some(due) => self.change.jobs.push(store::timer(kind, after.order_id, due, correlation)),
                None => self.change.cancels.push((kind, after.order_id.number())),
            }
        }
    }

    fn write(&mut self, statement: sql::Statement) {
        self.change.statements.push(statement);
    }

    /// Guards every floor that was looked at, changed or not.
    pub fn guard_all(&mut self) {
        self.guards_all = true;
    }

    /// Ends the change. Floors on which something was booked or freed are guarded by their version, and come first:
    /// should somebody have booked meanwhile, nothing else was done in vain.
    pub fn end(mut self) -> Change {
        let changed = self.floors.values().filter(|(before, after)| self.guards_all || before != after);
        let floors: Vec<_> = changed.map(|(_, after)| store::save_times(after)).collect();
        self.change.statements.splice(0..0, floors);
        self.change
    }
}

/// Gives the floor of a shop; one without stations while nobody has put any.
pub async fn floor_or_empty(ctx: &Ctx, shop: ShopId) -> Result<Floor, Fault> {
    let fresh = Floor::empty(shop, ctx.number("kitchen_time_scale", 1.0));
    let floor = match store::floor(ctx.store(), shop).await? {
        // Until staff say how fast this kitchen works, the platform's setting does, on an old data folder too.
        Some(floor) if floor.settings_version == 0 => Floor { time_scale: fresh.time_scale, ..floor },
        Some(floor) => floor,
        None => fresh,
    };
    Ok(Floor { by_hand: floor.staff_by_hand.unwrap_or(ctx.number("kitchen_by_hand", 0.0) > 0.0), ..floor })
}

fn event_of(ticket: &Ticket, said: Said, now: Timestamp, correlation: &str) -> NewEvent {
    let Ticket { order_id, shop_id, ticket_id, ready_at, .. } = *ticket;
    match said {
        Said::Started => NewEvent::of(&CookingStarted { order_id, shop_id, ticket_id, ready_at }, now, correlation),
        Said::Ready => {
            let fact = OrderReady { order_id, shop_id, ticket_id, cooking_ms: ticket.cooking_ms() };
            NewEvent::of(&fact, now, correlation)
        }
        Said::Changed(why) => {
            let fact = TicketChanged { order_id, shop_id, ticket_id, ready_at, why: why.name().to_owned() };
            NewEvent::of(&fact, now, correlation)
        }
        Said::Failed(failure) => {
            let fact = CookingFailed { order_id, shop_id, ticket_id, reason: failure.name().to_owned() };
            NewEvent::of(&fact, now, correlation)
        }
    }
}
