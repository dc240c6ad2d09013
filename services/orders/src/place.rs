//! Placing an order: ask the owners, decide, commit once.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::id::{ContactId, ItemId, OrderId, ShopId, StockId};
use base::limits::{LINE_QUANTITY_MAX, ORDER_DISHES_MAX, ORDER_LINES_MAX, TEXT_BYTES_MAX};
use base::{Currency, Fault, Id, Mistake, NewEvent, Principal, Texts, Timestamp, planted};
use catalog_api::catalog_client::CatalogClient;
use catalog_api::{LineRequest as QuoteLine, QuoteAnswer, QuoteRequest};
use host::Ctx;
use orders_api::events::{Fulfilment, ItemKind, Line as SaidLine, Need, OrderCreated, PaymentKind, Step};
use orders_api::{Order as OrderMessage, PlaceRequest};
use payments_api::RegisterMethodRequest;
use payments_api::payments_client::PaymentsClient;
use sql::NewJob;
use tokio::sync::Notify;
use wire::{Call, fault_of};

use crate::domain::{self, Frozen, Line, Order};
use crate::shown;
use crate::store::{self, Person};

/// How many orders may wait for stock or money before new ones are asked to come back later. At three thousand a second a
/// machine that stands still for a third of a second leaves a thousand behind; refused ones come again, and cost more.
const PENDING_MAX: f64 = 2_500.0;
/// How many orders may be placed at once: beyond, they would take the time of those that were accepted.
const PLACING_MAX: i64 = 256;
/// From which part of the limit on they are counted often: before, what was accepted since the last count is no matter.
const CROWD: f64 = 0.2;
/// How often a crowd is counted while it moves, and how often one that stands still or a few are.
const COUNT_EVERY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How long stock and payment may take, in seconds.
const FIRST_DEADLINE_SECONDS: f64 = 600.0;
/// How long an order may take in all, in seconds: 36 hours.
const LAST_DEADLINE_SECONDS: f64 = 129_600.0;
/// The largest tip, in minor units.
const TIP_MINOR_MAX: i64 = 100_000_000;

/// How many orders wait for stock or money: admission is refused when they are too many.
#[derive(Debug, Clone, Default)]
pub struct Pending {
    waiting: Arc<AtomicI64>,
    placing: Arc<AtomicI64>,
    /// How many of those who wait are a crowd.
    crowd: Arc<AtomicI64>,
    /// Told when the first waits, and when they become a crowd.
    changed: Arc<Notify>,
}

/// An order that is being placed: it counts until it is placed or refused, or nobody waits for it any more.
struct Placing(Arc<AtomicI64>);

impl Drop for Placing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pending {
    /// Counts them when the service starts.
    pub async fn count(&self, ctx: &Ctx) -> Result<(), Fault> {
        self.waiting.store(store::count_pending(ctx.store()).await?, Ordering::Relaxed);
        Ok(())
    }

    /// Counts them again every so often, unless none waits: between counts, accepted orders are added.
    pub fn follow(&self, ctx: &Ctx) -> Result<(), Fault> {
        let (pending, ctx) = (self.clone(), ctx.clone());
        let crowd = (ctx.number("orders_pending_max", PENDING_MAX) * CROWD) as i64;
        pending.crowd.store(crowd, Ordering::Relaxed);
        ctx.world().clone().spawn("admission", async move {
            let (mut counted, mut rest) = (0, COUNT_EVERY.0);
            loop {
                match pending.waiting.load(Ordering::Relaxed) {
                    ..=0 => pending.changed.notified().await,
                    waiting if waiting >= crowd => ctx.world().sleep(rest).await,
                    _ => {
                        let _ = ctx.world().within(COUNT_EVERY.1, pending.changed.notified()).await;
                    }
                }
                if let Err(fault) = pending.count(&ctx).await {
                    tracing::warn!(%fault, cause = fault.cause, "the orders that wait could not be counted");
                }
                let before = std::mem::replace(&mut counted, pending.waiting.load(Ordering::Relaxed));
                rest = if counted == before { (rest * 2).min(COUNT_EVERY.1) } else { COUNT_EVERY.0 };
            }
        });
        Ok(())
    }

    /// Refuses while too many wait: the saga must not drown in what it has accepted.
    fn admit(&self, ctx: &Ctx) -> Result<Placing, Fault> {
        let limit = ctx.number("orders_pending_max", PENDING_MAX);
        // The shop is well, only full: not a failure for which others should leave it alone.
        self.enter(limit).ok_or_else(|| {
            Fault::limited("too_many_orders", "The shop has more orders than it can take in now; try again in a moment.")
                .with("retry_after_seconds", 1)
        })
    }

    fn enter(&self, limit: f64) -> Option<Placing> {
        let others = self.placing.fetch_add(1, Ordering::Relaxed);
        let placing = Placing(self.placing.clone());
        let fits = others < PLACING_MAX && ((self.waiting.load(Ordering::Relaxed) + others) as f64) < limit;
        fits.then_some(placing)
    }

    fn entered(&self) {
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        if waiting == 1 || waiting == self.crowd.load(Ordering::Relaxed) {
            self.changed.notify_one();
        }
    }
}

/// What the client asked for, checked as far as it can be without asking anybody.
struct Wish {
    shop: ShopId,
    payment: PaymentKind,
    fulfilment: Fulfilment,
    person: Option<Person>,
    placed_at: Option<Timestamp>,
    language: String,
    reference: String,
}

fn bad(field: &str, message: &str) -> Fault {
    Fault::invalid("bad_order", message).with("field", field)
}

fn wish(request: &PlaceRequest, principal: &Principal) -> Result<Wish, Fault> {
    if request.lines.is_empty() {
        return Err(Fault::invalid("empty_order", "An order needs at least one line."));
    }
    if request.lines.len() > ORDER_LINES_MAX {
        return Err(Fault::invalid("too_many_lines", format!("An order has at most {ORDER_LINES_MAX} lines."))
            .with("lines_max", ORDER_LINES_MAX as u64));
    }
    for (index, line) in request.lines.iter().enumerate() {
        if !(1..=LINE_QUANTITY_MAX).contains(&line.quantity) {
            return Err(Fault::invalid("bad_quantity", format!("A quantity is from 1 to {LINE_QUANTITY_MAX}."))
                .with("line", index as u64));
        }
    }
    let shop = ShopId(if request.shop_id == 0 { 1 } else { request.shop_id });
    let staff = matches!(principal, Principal::Staff { .. } | Principal::Platform { .. });
    if staff {
        principal.must_serve(shop)?;
    } else if principal.device().is_none() {
        return Err(Fault::unauthenticated("token_needed", "A device token is needed to order."));
    }
    let payment = match request.payment.as_str() {
        "card" => PaymentKind::Card,
        "cash" => PaymentKind::Cash,
        _ => return Err(bad("payment", "The payment is `card` or `cash`.")),
    };
    let fulfilment = match request.fulfilment.as_str() {
        "" | "delivery" => Fulfilment::Delivery,
        "pickup" => Fulfilment::Pickup,
        _ => return Err(bad("fulfilment", "The fulfilment is `delivery` or `pickup`.")),
    };
    if !(0..=TIP_MINOR_MAX).contains(&request.tip_minor) {
        return Err(bad("tip_minor", "A tip is not negative, and not that large."));
    }
    let placed_at = match request.placed_at {
        0 => None,
        _ if !staff => {
            return Err(
                Fault::denied("staff_only", "Only the shop's staff may say when an order was placed.").with("field", "placed_at")
            );
        }
        at => Some(Timestamp(at)),
    };
    if !request.reference.is_empty() && !staff {
        return Err(
            Fault::denied("staff_only", "Only the shop's staff may give an order a reference.").with("field", "reference")
        );
    }
    let person = person(request)?;
    let needs_address =
        fulfilment == Fulfilment::Delivery && person.as_ref().is_none_or(|person| person.address.trim().is_empty());
    if needs_address {
        return Err(bad("contact.address", "A delivery needs an address."));
    }
    text("language", &request.language)?;
    text("reference", &request.reference)?;
    let language = if request.language.is_empty() { "en".to_owned() } else { request.language.clone() };
    Ok(Wish { shop, payment, fulfilment, person, placed_at, language, reference: request.reference.clone() })
}

fn text(field: &str, value: &str) -> Result<(), Fault> {
    if value.len() <= TEXT_BYTES_MAX && !value.chars().any(|letter| letter.is_control() && letter != '\n') {
        return Ok(());
    }
    Err(bad(field, "This text is too long, or holds control characters.").with("bytes_max", TEXT_BYTES_MAX as u64))
}

fn person(request: &PlaceRequest) -> Result<Option<Person>, Fault> {
    let Some(contact) = &request.contact else { return Ok(None) };
    for (field, value) in [
        ("contact.name", &contact.name),
        ("contact.phone", &contact.phone),
        ("contact.email", &contact.email),
        ("contact.address", &contact.address),
        ("contact.note", &contact.note),
    ] {
        text(field, value)?;
    }
    if !contact.email.is_empty() {
        let (user, host) = contact.email.rsplit_once('@').unwrap_or_default();
        if user.is_empty() || !host.contains('.') || contact.email.contains(char::is_whitespace) {
            return Err(bad("contact.email", "This is not an e-mail address."));
        }
    }
    let person = Person {
        name: contact.name.clone(),
        phone: contact.phone.clone(),
        email: contact.email.clone(),
        address: contact.address.clone(),
        note: contact.note.clone(),
    };
    Ok((person != Person::default()).then_some(person))
}

/// Places an order.
pub async fn place(ctx: &Ctx, pending: &Pending, call: &Call, request: &PlaceRequest) -> Result<OrderMessage, Fault> {
    let wish = wish(request, &call.principal)?;
    let _placing = pending.admit(ctx)?;
    // A commit in doubt is decided again, and a repeat of the request is decided for nothing: which order is kept, the answer
    // tells.
    let decided = Mutex::new(Vec::new());
    let answer = saga::settle(ctx.store(), ctx.world(), call, || async {
        let quote = quote(ctx, call, &wish, request).await?;
        let method_id = match wish.payment {
            PaymentKind::Cash => None,
            PaymentKind::Card => Some(method(ctx, call, request).await?),
        };
        let now = ctx.now();
        let id: OrderId = ctx.world().next_id();
        let contact_id = wish.person.as_ref().map(|_| ctx.world().next_id::<ContactId>());
        let lines = lines_of(&quote)?;
        // The kitchen would refuse it, but only after the money was taken.
        let dishes: i64 = quote.lines.iter().filter(|line| !line.steps.is_empty()).map(|line| line.quantity).sum();
        if dishes > ORDER_DISHES_MAX.into() {
            return Err(Fault::invalid("too_many_dishes", format!("An order has at most {ORDER_DISHES_MAX} dishes."))
                .with("dishes", dishes)
                .with("dishes_max", i64::from(ORDER_DISHES_MAX)));
        }
        let shop = quote.shop.clone().ok_or_else(|| Fault::internal("quote_unreadable", "The catalogue named no shop."))?;
        let currency = Currency::parse(&shop.currency)?;
        let fee = if wish.fulfilment == Fulfilment::Delivery { shop.delivery_fee_minor } else { 0 };
        let (charges, total_minor) =
            domain::price(&lines, currency, shop.tax_included, fee, request.tip_minor).map_err(|error| error.fault())?;
        let told = request.expected_total_minor.filter(|_| planted(Mistake::PriceFromTheClient));
        let total_minor = told.unwrap_or(total_minor);
        domain::agreed(request.expected_total_minor, total_minor).map_err(|error| error.fault())?;
        let frozen = Frozen {
            shop_id: wish.shop,
            placed_at: wish.placed_at.unwrap_or(now),
            lines,
            charges,
            total_minor,
            currency,
            payment: wish.payment,
            method_id,
            fulfilment: wish.fulfilment,
            language: wish.language.clone(),
            device_id: call.principal.device(),
            contact_id,
            reference: wish.reference.clone(),
        };
        let has_email = wish.person.as_ref().is_some_and(|person| !person.email.is_empty());
        let said = created(id, &frozen, &quote, has_email)?;
        let (order, happening) = Order::place(id, frozen.clone(), now);
        let mut change = store::insert(ctx.store(), &order, &frozen, &happening).say(NewEvent::of(&said, now, &call.correlation));
        if !planted(Mistake::DeadlineNotSet) {
            change = change.job(first_deadline(ctx, &order, &call.correlation));
        }
        if let (Some(contact), Some(person)) = (contact_id, &wish.person) {
            change = change.and(store::keep_person(contact, id, person));
        }
        decided.lock().unwrap_or_else(PoisonError::into_inner).push(id);
        Ok((change, shown::order(&order, &frozen)))
    })
    .await?;
    let id = OrderId(answer.order_id);
    if decided.into_inner().unwrap_or_else(PoisonError::into_inner).contains(&id) {
        pending.entered();
        tracing::info!(order_id = id.show(ctx.key()), user_id = %call.principal, total = answer.total_minor, event_type = "order.created", correlation = %call.correlation, "an order was placed");
    }
    Ok(answer)
}

async fn quote(ctx: &Ctx, call: &Call, wish: &Wish, request: &PlaceRequest) -> Result<QuoteAnswer, Fault> {
    let lines = request.lines.iter().map(|line| QuoteLine {
        item_id: line.item_id,
        slug: line.slug.clone(),
        size: line.size.clone(),
        quantity: line.quantity,
        options: line.options.clone(),
    });
    let asked = QuoteRequest { shop_id: wish.shop.0, lines: lines.collect() };
    let mut catalog = CatalogClient::new(ctx.peer("catalog", call)?);
    Ok(catalog.quote(asked).await.map_err(fault_of)?.into_inner())
}

async fn method(ctx: &Ctx, call: &Call, request: &PlaceRequest) -> Result<base::id::MethodId, Fault> {
    let mut call = call.clone();
    call.request = call.request.map(|request| request.step("method"));
    let mut payments = PaymentsClient::new(ctx.peer("payments", &call)?);
    let asked = RegisterMethodRequest { card_token: request.card_token.clone() };
    Ok(base::id::MethodId(payments.register_method(asked).await.map_err(fault_of)?.into_inner().method_id))
}

fn kind_of(word: &str) -> ItemKind {
    if word == "goods" { ItemKind::Goods } else { ItemKind::Dish }
}

fn lines_of(quote: &QuoteAnswer) -> Result<Vec<Line>, Fault> {
    let lines = quote.lines.iter().map(|line| Line {
        item_id: ItemId(line.item_id),
        slug: line.slug.clone(),
        name: Texts(line.name.clone()),
        size: line.size.clone(),
        quantity: line.quantity,
        unit_minor: line.unit_minor,
        kind: kind_of(&line.kind),
        tax_rate_bp: line.tax_rate_bp,
        options: line.options.clone(),
    });
    Ok(lines.collect())
}

fn created(id: OrderId, frozen: &Frozen, quote: &QuoteAnswer, has_email: bool) -> Result<OrderCreated, Fault> {
    let step = |step: &catalog_api::Step| Step { station: step.station.clone(), seconds: step.seconds, celsius: step.celsius };
    let lines = frozen.lines.iter().zip(&quote.lines).map(|(line, quoted)| SaidLine {
        item_id: line.item_id,
        slug: line.slug.clone(),
        size: line.size.clone(),
        quantity: line.quantity,
        total_minor: line.total_minor(),
        kind: line.kind,
        options: line.options.clone(),
        steps: quoted.steps.iter().map(step).collect(),
    });
    let need = |need: &catalog_api::Need| Need { stock_id: StockId(need.stock_id), quantity: need.quantity };
    let taken: Vec<(i64, Vec<Need>)> =
        quote.lines.iter().map(|line| (line.quantity, line.needs.iter().map(need).collect())).collect();
    Ok(OrderCreated {
        order_id: id,
        shop_id: frozen.shop_id,
        placed_at: frozen.placed_at,
        lines: lines.collect(),
        needs: domain::needs(&taken).map_err(|error| error.fault())?,
        total_minor: frozen.total_minor,
        currency: frozen.currency,
        payment: frozen.payment,
        method_id: frozen.method_id,
        fulfilment: frozen.fulfilment,
        language: frozen.language.clone(),
        device_id: frozen.device_id,
        has_email,
    })
}

fn deadline(ctx: &Ctx, order: &Order, setting: &str, seconds: f64, body: &str, correlation: &str) -> NewJob {
    let after = Duration::from_secs_f64(ctx.number(setting, seconds).clamp(0.001, 1e9));
    NewJob {
        kind: "deadline",
        key: order.id.0,
        due: order.accepted_at + after,
        deadline: None,
        body: body.to_owned(),
        correlation: correlation.to_owned(),
        lease: None,
    }
}

fn first_deadline(ctx: &Ctx, order: &Order, correlation: &str) -> NewJob {
    deadline(ctx, order, "order_first_deadline_seconds", FIRST_DEADLINE_SECONDS, "first", correlation)
}

/// Makes the job of the last deadline, after which an order ends in any case.
pub fn last_deadline(ctx: &Ctx, order: &Order, correlation: &str) -> NewJob {
    deadline(ctx, order, "order_last_deadline_seconds", LAST_DEADLINE_SECONDS, "last", correlation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_that_are_being_placed_count_with_those_that_wait_until_they_are_done() {
        let pending = Pending::default();
        pending.waiting.store(8, Ordering::Relaxed);
        let mut placing: Vec<Placing> = (0..2).map(|_| pending.enter(10.0).unwrap()).collect();
        assert!(pending.enter(10.0).is_none());
        placing.pop();
        assert!(pending.enter(10.0).is_some());
    }

    #[test]
    fn however_few_wait_only_so_many_are_placed_at_once() {
        let pending = Pending::default();
        let placing: Vec<Placing> = (0..PLACING_MAX).map(|_| pending.enter(1e9).unwrap()).collect();
        assert!(pending.enter(1e9).is_none());
        drop(placing);
        assert!(pending.enter(1e9).is_some());
    }
}
