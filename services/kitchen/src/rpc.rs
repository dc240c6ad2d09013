//! The contract's verbs: who may, then the store and the domain, then the answer.

use base::id::{Id, OrderId, ShopId, StationId};
use base::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, TEXT_BYTES_MAX};
use base::{Fault, Principal, Texts, Timestamp};
use host::Ctx;
use kitchen_api as api;
use kitchen_api::kitchen_server::Kitchen;
use sql::Change;
use tonic::{Request, Response, Status};
use wire::Call;

use crate::batch::{Batch, floor_or_empty};
use crate::domain::{DISHES_MAX, Decision, Error, Floor, Lines, Mark, PLACES_MAX, State, Station, StationWish, Ticket};
use crate::store::{self, Leaving};

/// How many open tickets are looked through for a station's list.
const LOOKED_THROUGH_MAX: usize = 2_000;

/// What a cook does with a ticket.
type Decide = fn(&mut Ticket, &mut Floor, Lines, &[Mark], Timestamp) -> Result<Decision, Error>;

/// The server of the contract.
pub struct Rpc {
    ctx: Ctx,
}

impl Rpc {
    /// Makes it.
    pub fn new(ctx: Ctx) -> Rpc {
        Rpc { ctx }
    }

    /// Finds the floor of a station for somebody who may change it; for others it is not there.
    async fn floor_with(&self, principal: &Principal, station: StationId) -> Result<Floor, Fault> {
        staff_or_platform(principal)?;
        let floor = store::floor_with(self.ctx.store(), station).await?;
        floor.filter(|floor| principal.serves(floor.shop_id)).ok_or_else(|| Error::StationNotFound.fault())
    }

    async fn set_broken(&self, request: Request<api::StationRequest>, broken: bool) -> Result<api::Station, Fault> {
        let call = Call::of(&request)?;
        let api::StationRequest { station_id, reason } = request.into_inner();
        check_reason(&reason)?;
        let id = StationId(station_id);
        host::settle(self.ctx.store(), self.ctx.world(), &call, || async {
            let mut floor = self.floor_with(&call.principal, id).await?;
            let (number, news) = floor.set_broken(id, broken).map_err(|error| error.fault())?;
            let answer = station_answer(&floor, number, self.ctx.now());
            if !news {
                return Ok((Change::new(), answer));
            }
            // An unfinished leaving belongs to the time before: it would look only at the tickets behind it.
            let mut change = Change::new().guarded(store::save_floor(&floor)).cancel_job(store::LEAVE, id.number());
            if broken {
                let whole = Leaving { shop: floor.shop_id, after: OrderId(0) };
                change = change.job(store::leaving(id, &whole, self.ctx.now(), &call.correlation));
            }
            let act = if broken { "break_station" } else { "repair_station" };
            Ok((self.acted(change, &call, act, &id.number().to_string(), &reason), answer))
        })
        .await
    }

    /// Decides about a ticket by hand and keeps who did it and why, if it changed anything.
    async fn by_hand(&self, request: Request<api::BumpRequest>, act: &'static str, decide: Decide) -> Result<api::Ticket, Fault> {
        let call = Call::of(&request)?;
        let api::BumpRequest { order_id, marks, reason } = request.into_inner();
        staff_or_platform(&call.principal)?;
        check_reason(&reason)?;
        let marks: Vec<Mark> = marks.into_iter().map(|api::DishMark { dish, step }| Mark { dish, step }).collect();
        host::settle(self.ctx.store(), self.ctx.world(), &call, || async {
            let before = self.ticket_for(&call.principal, OrderId(order_id)).await?;
            let mut ticket = before.clone();
            let mut batch = Batch::begin(&self.ctx);
            let now = batch.now();
            let floor = batch.floor(ticket.shop_id).await?;
            let others = self.lines_beside(&ticket, floor, now).await?;
            let decision = decide(&mut ticket, floor, others, &marks, now).map_err(|error| error.fault())?;
            let changed = decision.changed;
            ticket.version += i64::from(changed);
            let answer = ticket_answer(&ticket, floor, now);
            if changed {
                batch.guard_all();
            }
            batch.keep(&before, &ticket, decision, &call.correlation);
            let change = batch.end();
            let subject = order_id.to_string();
            Ok((if changed { self.acted(change, &call, act, &subject, &reason) } else { change }, answer))
        })
        .await
    }

    /// Looks where the dishes of all other tickets stand. The floor was read before: should one be booked meanwhile, its
    /// version tells.
    async fn lines_beside(&self, ticket: &Ticket, floor: &Floor, now: Timestamp) -> Result<Lines, Fault> {
        let (mut lines, mut after, mut seen) = (Lines::of([], now), OrderId(0), 0);
        while seen < LOOKED_THROUGH_MAX {
            let page = store::open_tickets(self.ctx.store(), ticket.shop_id, after, PAGE_ROWS_MAX).await?;
            let others = page.iter().filter(|other| other.order_id != ticket.order_id);
            others.for_each(|other| lines.add(other.booked()));
            let Some(last) = page.last().filter(|_| page.len() >= PAGE_ROWS_MAX as usize) else { return Ok(lines) };
            (after, seen) = (last.order_id, seen + page.len());
        }
        Ok(Lines::taken(floor, now))
    }

    /// Finds a ticket for somebody who serves its shop; for others it is not there.
    async fn ticket_for(&self, principal: &Principal, order: OrderId) -> Result<Ticket, Fault> {
        let ticket = store::ticket(self.ctx.store(), order).await?;
        ticket
            .filter(|ticket| !matches!(ticket.state, State::Nothing | State::PaidEarly) && principal.serves(ticket.shop_id))
            .ok_or_else(|| Error::TicketNotFound.fault())
    }

    /// Records who did it and why, where it was a person.
    fn acted(&self, change: Change, call: &Call, act: &str, subject: &str, reason: &str) -> Change {
        match call.principal {
            Principal::Staff { .. } => change.write(self.ctx.store().act(&call.principal, act, subject, reason)),
            _ => change,
        }
    }

    async fn put(&self, request: Request<api::PutStationRequest>) -> Result<api::Station, Fault> {
        let call = Call::of(&request)?;
        let api::PutStationRequest { station, reason } = request.into_inner();
        let asked = station.ok_or_else(|| Error::BadStation { field: "station" }.fault())?;
        check_reason(&reason)?;
        let shop = ShopId(asked.shop_id);
        call.principal.must_serve(shop)?;
        let wish = self.wish_of(&call.principal, asked);
        host::settle(self.ctx.store(), self.ctx.world(), &call, || async {
            let mut floor = floor_or_empty(&self.ctx, shop).await?;
            let fresh = self.ctx.world().next_id::<StationId>();
            let (number, changed) = floor.put(wish.clone(), fresh).map_err(|error| error.fault())?;
            let answer = station_answer(&floor, number, self.ctx.now());
            if !changed {
                return Ok((Change::new(), answer));
            }
            let change = Change::new().guarded(store::save_floor(&floor));
            Ok((self.acted(change, &call, "put_station", &answer.station_id.to_string(), &reason), answer))
        })
        .await
    }

    /// The setting `kitchen_places` widens what the platform itself seeds, for benches that want a larger kitchen.
    fn wish_of(&self, principal: &Principal, asked: api::Station) -> StationWish {
        let factor = match principal {
            Principal::Platform { .. } => self.ctx.setting("kitchen_places").and_then(|text| text.parse().ok()).unwrap_or(1),
            _ => 1_usize,
        };
        let places = usize::try_from(asked.places).unwrap_or(usize::MAX).saturating_mul(factor.max(1));
        StationWish {
            id: (asked.station_id != 0).then_some(StationId(asked.station_id)),
            slug: asked.slug,
            kind: asked.kind,
            name: Texts(asked.name.into_iter().collect()),
            places: if factor > 1 { places.min(PLACES_MAX) } else { places },
            version: asked.version,
        }
    }

    async fn put_floor_settings(&self, request: Request<api::Settings>) -> Result<api::Settings, Fault> {
        let call = Call::of(&request)?;
        let api::Settings { shop_id, time_scale, version, reason, by_hand } = request.into_inner();
        check_reason(&reason)?;
        let shop = ShopId(shop_id);
        call.principal.must_serve(shop)?;
        host::settle(self.ctx.store(), self.ctx.world(), &call, || async {
            let mut floor = floor_or_empty(&self.ctx, shop).await?;
            floor.set(time_scale, by_hand, version).map_err(|error| error.fault())?;
            let change = Change::new().guarded(store::save_floor(&floor));
            let subject = match by_hand {
                Some(true) => "by_hand",
                Some(false) => "by_recipe",
                None => "time_scale",
            };
            Ok((self.acted(change, &call, "put_settings", subject, &reason), settings_answer(&floor)))
        })
        .await
    }

    async fn list(&self, request: Request<api::ListTicketsRequest>) -> Result<api::TicketList, Fault> {
        let call = Call::of(&request)?;
        let api::ListTicketsRequest { shop_id, limit, station_kind, after } = request.into_inner();
        let shop = ShopId(shop_id);
        call.principal.must_serve(shop)?;
        let bad_page = |_| Fault::invalid("bad_page", "The page's mark is not one that was given out.");
        let mut after = OrderId(if after.is_empty() { 0 } else { after.parse().map_err(bad_page)? });
        let limit = if limit == 0 { PAGE_ROWS_DEFAULT } else { limit.min(PAGE_ROWS_MAX) } as usize;
        let floor = floor_or_empty(&self.ctx, shop).await?;
        let now = self.ctx.now();
        let (mut tickets, mut seen) = (Vec::new(), 0);
        let is_last = loop {
            let page = store::open_tickets(self.ctx.store(), shop, after, PAGE_ROWS_MAX).await?;
            let (count, room) = (page.len(), limit - tickets.len());
            seen += count;
            let wanted = page.into_iter().filter(|ticket| {
                after = ticket.order_id;
                station_kind.is_empty() || needs(ticket, &floor, &station_kind, now)
            });
            tickets.extend(wanted.take(room).map(|ticket| ticket_answer(&ticket, &floor, now)));
            // A page that is not full is the last one, when all of it was looked through.
            if tickets.len() == limit || seen >= LOOKED_THROUGH_MAX {
                break false;
            }
            if count < PAGE_ROWS_MAX as usize {
                break true;
            }
        };
        let next = if is_last { String::new() } else { after.number().to_string() };
        Ok(api::TicketList { tickets, as_of: now.micros(), next })
    }
}

#[tonic::async_trait]
impl Kitchen for Rpc {
    async fn get_ticket(&self, request: Request<api::GetTicketRequest>) -> Result<Response<api::Ticket>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            staff_or_platform(&call.principal)?;
            let ticket = self.ticket_for(&call.principal, OrderId(request.into_inner().order_id)).await?;
            let floor = floor_or_empty(&self.ctx, ticket.shop_id).await?;
            Ok(ticket_answer(&ticket, &floor, self.ctx.now()))
        })
        .await
    }

    async fn list_tickets(&self, request: Request<api::ListTicketsRequest>) -> Result<Response<api::TicketList>, Status> {
        host::answer(self.list(request)).await
    }

    async fn bump(&self, request: Request<api::BumpRequest>) -> Result<Response<api::Ticket>, Status> {
        host::answer(self.by_hand(request, "bump", Ticket::bump)).await
    }

    async fn recall(&self, request: Request<api::BumpRequest>) -> Result<Response<api::Ticket>, Status> {
        host::answer(self.by_hand(request, "recall", Ticket::recall)).await
    }

    async fn list_stations(&self, request: Request<api::ListStationsRequest>) -> Result<Response<api::StationList>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            let shop = ShopId(request.into_inner().shop_id);
            call.principal.must_serve(shop)?;
            let floor = floor_or_empty(&self.ctx, shop).await?;
            let now = self.ctx.now();
            Ok(api::StationList {
                stations: (0..floor.stations.len()).map(|number| station_answer(&floor, number, now)).collect(),
            })
        })
        .await
    }

    async fn put_station(&self, request: Request<api::PutStationRequest>) -> Result<Response<api::Station>, Status> {
        host::answer(self.put(request)).await
    }

    async fn break_station(&self, request: Request<api::StationRequest>) -> Result<Response<api::Station>, Status> {
        host::answer(self.set_broken(request, true)).await
    }

    async fn repair_station(&self, request: Request<api::StationRequest>) -> Result<Response<api::Station>, Status> {
        host::answer(self.set_broken(request, false)).await
    }

    async fn get_settings(&self, request: Request<api::GetSettingsRequest>) -> Result<Response<api::Settings>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            let shop = ShopId(request.into_inner().shop_id);
            call.principal.must_serve(shop)?;
            Ok(settings_answer(&floor_or_empty(&self.ctx, shop).await?))
        })
        .await
    }

    async fn put_settings(&self, request: Request<api::Settings>) -> Result<Response<api::Settings>, Status> {
        host::answer(self.put_floor_settings(request)).await
    }
}

/// Refuses guests before anything is looked up, so that they cannot tell which ids exist.
fn staff_or_platform(principal: &Principal) -> Result<(), Fault> {
    match principal {
        Principal::Staff { .. } | Principal::Platform { .. } => Ok(()),
        Principal::Guest { .. } | Principal::Nobody => principal.must_serve(ShopId(0)),
    }
}

fn check_reason(reason: &str) -> Result<(), Fault> {
    if reason.len() > TEXT_BYTES_MAX { Err(Error::ReasonTooLong.fault()) } else { Ok(()) }
}

/// Tells whether a station of a kind still has something to do for a ticket.
fn needs(ticket: &Ticket, floor: &Floor, kind: &str, now: Timestamp) -> bool {
    let is_kind = |number: usize| floor.stations.get(number).is_some_and(|station| station.kind == kind);
    let mut dishes = ticket.lines.iter().flat_map(|line| (0..line.booked.len()).map(move |dish| (line, dish)));
    dishes.any(|(line, dish)| line.booked[dish].iter().skip(line.step_at(dish, now)).any(|step| is_kind(step.station)))
}

fn ticket_answer(ticket: &Ticket, floor: &Floor, now: Timestamp) -> api::Ticket {
    let each = ticket.lines.iter().flat_map(|line| (0..line.quantity as usize).map(move |dish| (line, dish)));
    // A ticket that failed for being too large need not be shown dish by dish.
    let dishes = each.take(DISHES_MAX as usize).enumerate().map(|(number, (line, dish))| {
        let booked = line.booked.get(dish).map_or(&[][..], Vec::as_slice);
        let steps = line.steps.iter().enumerate().map(|(step, recipe)| {
            let booked = booked.get(step);
            api::DishStep {
                station_kind: recipe.station_kind.clone(),
                station_id: booked.and_then(|booked| floor.stations.get(booked.station)).map_or(0, |station| station.id.number()),
                place: booked.map_or(0, |booked| u32::try_from(booked.place).unwrap_or(u32::MAX)),
                starts_at: booked.map_or(0, |booked| booked.starts_at.micros()),
                ends_at: booked.map_or(0, |booked| booked.ends_at.micros()),
                celsius: recipe.celsius,
            }
        });
        api::Dish {
            dish: u32::try_from(number).unwrap_or(u32::MAX),
            line: line.line,
            slug: line.slug.clone(),
            size: line.size.clone(),
            options: line.options.clone(),
            state: line.state_of(dish, now).name().to_owned(),
            steps: steps.collect(),
            step: u32::try_from(line.step_at(dish, now)).unwrap_or(u32::MAX),
            recall_step: u32::try_from(line.recallable(dish, now).unwrap_or(line.step_at(dish, now))).unwrap_or(u32::MAX),
            promised_at: line.promised_at.micros(),
        }
    });
    api::Ticket {
        ticket_id: ticket.ticket_id.number(),
        order_id: ticket.order_id.number(),
        shop_id: ticket.shop_id.number(),
        state: ticket.state.name().to_owned(),
        dishes: dishes.collect(),
        starts_at: ticket.starts_at.micros(),
        ready_at: ticket.ready_at.micros(),
        as_of: now.micros(),
        reason: ticket.reason.clone(),
        version: ticket.version,
        promised_at: ticket.lines.iter().map(|line| line.promised_at).max().unwrap_or_default().micros(),
        by_hand: ticket.lines.iter().any(|line| line.by_hand),
    }
}

fn station_answer(floor: &Floor, number: usize, now: Timestamp) -> api::Station {
    let station: &Station = &floor.stations[number];
    let narrow = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    api::Station {
        station_id: station.id.number(),
        shop_id: floor.shop_id.number(),
        slug: station.slug.clone(),
        kind: station.kind.clone(),
        name: station.name.0.clone().into_iter().collect(),
        places: narrow(station.places),
        broken: station.broken,
        busy: narrow(station.busy(now)),
        version: station.version,
    }
}

fn settings_answer(floor: &Floor) -> api::Settings {
    api::Settings {
        shop_id: floor.shop_id.number(),
        time_scale: floor.time_scale,
        version: floor.settings_version,
        reason: String::new(),
        by_hand: Some(floor.by_hand),
    }
}
