//! What staff and the platform ask for, from the request to the change that carries it out.

use std::collections::BTreeMap;

use base::id::{OrderId, ShopId, StockId};
use base::{Fault, NewEvent, Principal, Texts};
use host::{Change, Ctx};
use inventory_api as api;
use inventory_api::events::StockChanged;
use wire::Call;

use crate::domain::{Demand, Edit, Error, QUANTITY_MAX, edit, needs_of, serve};
use crate::reactions::{low_said, put_back_by};
use crate::shown;
use crate::store::{self, Mover, NewItem, Reservation, Shown, State};

/// How many receipts one request may carry.
const RECEIPTS_MAX: usize = 1_000;
const UNITS: [&str; 3] = ["g", "ml", "pcs"];

/// Refuses everybody who serves no shop at all, before it is told whether something exists.
pub fn must_be_staff(principal: &Principal) -> Result<(), Fault> {
    match principal {
        Principal::Staff { shop, .. } => principal.must_serve(*shop),
        _ => principal.must_serve(ShopId(0)),
    }
}

/// Finds a thing for somebody who may see it; others' things are not there.
pub fn found(call: &Call, shown: Option<Shown>) -> Result<Shown, Fault> {
    must_be_staff(&call.principal)?;
    shown.filter(|shown| call.principal.serves(shown.level.shop_id)).ok_or_else(|| Error::NotFound.fault())
}

fn reason_of(text: &str) -> Result<&str, Fault> {
    if text.len() > base::limits::TEXT_BYTES_MAX {
        return Err(Fault::invalid("text_too_long", "The reason is too long.").with("bytes_max", base::limits::TEXT_BYTES_MAX));
    }
    Ok(text.trim())
}

fn item_of(request: &api::AddItemRequest) -> Result<NewItem, Error> {
    let slug = request.slug.as_str();
    let fits = !slug.is_empty()
        && slug.len() <= 100
        && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    if !fits {
        return Err(Error::BadItem("A short name is made of a-z, 0-9, - and _, at most 100 of them."));
    }
    let name = Texts(request.name.clone());
    if name.is_empty() || name.0.iter().any(|(tag, text)| tag.len() > 35 || text.len() > base::limits::TEXT_BYTES_MAX) {
        return Err(Error::BadItem("A thing needs a name in at least one language, and none may be too long."));
    }
    if !UNITS.contains(&request.unit.as_str()) {
        return Err(Error::BadItem("The unit is g, ml or pcs."));
    }
    if !(0..=QUANTITY_MAX).contains(&request.low_at) || !(0..=QUANTITY_MAX).contains(&request.initial) {
        return Err(Error::NotAQuantity);
    }
    Ok(NewItem {
        shop_id: ShopId(request.shop_id),
        slug: slug.to_owned(),
        name,
        unit: request.unit.clone(),
        low_at: request.low_at,
    })
}

/// Begins to keep a thing.
pub async fn add_item(ctx: &Ctx, call: &Call, request: &api::AddItemRequest) -> Result<(Change, api::Level), Fault> {
    let item = item_of(request).map_err(|error| error.fault())?;
    let reason = reason_of(&request.reason)?;
    if store::level_by_slug(ctx.store(), item.shop_id, &item.slug).await?.is_some() {
        return Err(Error::Exists.fault());
    }
    let id: StockId = ctx.world().next_id();
    let (initial, low, now) = (request.initial, request.initial < item.low_at, ctx.now());
    let mut change = store::put_item(id, &item, initial, low).into_iter().fold(Change::new(), Change::guarded);
    change = change.write(ctx.store().act(&call.principal, "add_stock_item", &id.0.to_string(), reason));
    if initial > 0 {
        let mover = Mover { world: ctx.world(), at: now, principal: &call.principal, reason };
        change = change.write(mover.edit("receive", item.shop_id, id, initial));
    }
    let level = crate::domain::Level {
        stock_id: id,
        shop_id: item.shop_id,
        slug: item.slug,
        available: initial,
        reserved: 0,
        consumed: 0,
        received: initial,
        corrected: 0,
        wasted: 0,
        low_at: item.low_at,
        low,
        version: 1,
    };
    if low {
        change = change.say(NewEvent::of(&low_said(&level), now, &call.correlation));
    }
    Ok((change, shown::level(&Shown { level, name: item.name, unit: item.unit })))
}

/// Carries out one edit of staff.
pub async fn edit_one(
    ctx: &Ctx,
    call: &Call,
    request: &api::EditRequest,
    kind: fn(i64) -> Edit,
) -> Result<(Change, api::Level), Fault> {
    let before = found(call, store::level(ctx.store(), StockId(request.stock_id)).await?)?;
    let (change, after) = edited(ctx, call, &before, kind(request.quantity), request.version, reason_of(&request.reason)?)?;
    Ok((change, shown::level(&after)))
}

fn edited(ctx: &Ctx, call: &Call, before: &Shown, what: Edit, seen: i64, reason: &str) -> Result<(Change, Shown), Fault> {
    let edited = edit(&before.level, what, seen).map_err(|error| error.fault())?;
    let (level, now) = (&before.level, ctx.now());
    let mover = Mover { world: ctx.world(), at: now, principal: &call.principal, reason };
    let said = StockChanged {
        stock_id: level.stock_id,
        shop_id: level.shop_id,
        change: what.word().to_owned(),
        quantity: edited.difference,
        available: edited.after.available,
    };
    let mut change = Change::new()
        .guarded(store::edit(level, &edited, what.word()))
        .write(mover.edit(what.word(), level.shop_id, level.stock_id, edited.difference))
        .write(ctx.store().act(&call.principal, &format!("{}_stock", what.word()), &level.stock_id.0.to_string(), reason))
        .say(NewEvent::of(&said, now, &call.correlation));
    if edited.crosses {
        change = change.say(NewEvent::of(&low_said(&edited.after), now, &call.correlation));
    }
    Ok((change, Shown { level: edited.after, ..before.clone() }))
}

/// Carries out many receipts, all or none.
pub async fn receive_many(ctx: &Ctx, call: &Call, request: &api::ReceiveManyRequest) -> Result<(Change, api::LevelPage), Fault> {
    let shop = ShopId(request.shop_id);
    call.principal.must_serve(shop)?;
    let reason = reason_of(&request.reason)?;
    if request.receipts.len() > RECEIPTS_MAX {
        return Err(
            Fault::invalid("too_many_receipts", "These are too many receipts at once.").with("receipts_max", RECEIPTS_MAX)
        );
    }
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for receipt in &request.receipts {
        let sum = sums.entry(&receipt.slug).or_default();
        let more = Some(receipt.quantity).filter(|quantity| (1..=QUANTITY_MAX).contains(quantity));
        *sum += more.ok_or_else(|| Error::NotAQuantity.fault())?;
    }
    let mut change = Change::new();
    let mut page = api::LevelPage::default();
    for (slug, quantity) in sums {
        let before =
            store::level_by_slug(ctx.store(), shop, slug).await?.ok_or_else(|| Error::NotFound.fault().with("slug", slug))?;
        let (one, after) = edited(ctx, call, &before, Edit::Receive(quantity), 0, reason)?;
        change = change.and(one);
        page.levels.push(shown::level(&after));
    }
    Ok((change, page))
}

/// Sets aside what an order needs; asked again, it answers the same.
pub async fn reserve(ctx: &Ctx, call: &Call, request: &api::ReserveRequest) -> Result<(Change, api::Reservation), Fault> {
    let (order_id, shop_id) = (OrderId(request.order_id), ShopId(request.shop_id));
    call.principal.must_serve(shop_id)?;
    let pairs = request.needs.iter().map(|need| (StockId(need.stock_id), need.quantity));
    let needs = needs_of(pairs).map_err(|error| error.fault())?;
    if let Some(known) = store::reservation(ctx.store(), order_id).await? {
        if known.shop_id != shop_id || (known.state == State::Held && known.needs != needs) {
            return Err(Error::HoldsOther.fault());
        }
        return Ok((Change::new(), shown::reservation(&known)));
    }
    let shelf = store::shelf(ctx.store(), needs.keys().copied()).await?;
    let demand = Demand { order_id, shop_id, needs };
    let mut served = serve(shelf, std::slice::from_ref(&demand));
    let shortages = served.shortages.pop().unwrap_or_default();
    if !shortages.is_empty() {
        return Err(Error::OutOfStock(shortages).fault());
    }
    let now = ctx.now();
    let mover = Mover { world: ctx.world(), at: now, principal: &call.principal, reason: "" };
    let (id, movement) = mover.order_step("reserve", shop_id, order_id);
    let reservation = Reservation { order_id, shop_id, state: State::Held, needs: demand.needs, announced: false };
    let mut change = served.takes.iter().fold(Change::new(), |change, take| change.guarded(store::take(take)));
    change = change.guarded(store::put_reservation(&reservation, Some(id))).write(movement);
    for low in &served.lows {
        change = change.say(NewEvent::of(&low_said(low), now, &call.correlation));
    }
    Ok((change, shown::reservation(&reservation)))
}

/// Puts back what an order holds; asked again, it answers the same.
pub async fn release(ctx: &Ctx, call: &Call, request: &api::ReservationRequest) -> Result<(Change, api::Reservation), Fault> {
    let mut reservation = reservation(ctx, call, request).await?;
    match reservation.state {
        State::Consumed => return Err(Error::UsedUp.fault()),
        State::Released | State::Rejected => return Ok((Change::new(), shown::reservation(&reservation))),
        State::Held => {}
    }
    let mover = Mover { world: ctx.world(), at: ctx.now(), principal: &call.principal, reason: "" };
    let change = put_back_by(ctx, std::slice::from_ref(&reservation), mover).await?;
    let change = change.write(ctx.store().act(&call.principal, "release_stock", &reservation.order_id.0.to_string(), ""));
    reservation.state = State::Released;
    Ok((change, shown::reservation(&reservation)))
}

/// Finds what is set aside for an order, for somebody who may see it.
pub async fn reservation(ctx: &Ctx, call: &Call, request: &api::ReservationRequest) -> Result<Reservation, Fault> {
    must_be_staff(&call.principal)?;
    let known = store::reservation(ctx.store(), OrderId(request.order_id)).await?;
    let nothing = || Fault::not_found("reservation_not_found", "Nothing is set aside for this order.");
    known.filter(|known| call.principal.serves(known.shop_id)).ok_or_else(nothing)
}
