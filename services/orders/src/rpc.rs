//! The contract of orders: who may ask, then domain and store.

use std::sync::OnceLock;

use base::id::{DeviceId, OrderId, ShopId};
use base::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, TEXT_BYTES_MAX};
use base::{Fault, Mistake, Principal, planted};
use host::{Change, Ctx, answer};
use orders_api::orders_server::Orders;
use orders_api::{
    BoardRequest, CancelRequest, CheckAnswer, Contact, EraseContactRequest, GetOrderRequest, Happening, History, ListMineRequest,
    Order as Message, OrderPage, PlaceRequest, RebuildAnswer, RebuildRequest, StateCount, Statistics, StatisticsRequest,
};
use tonic::{Request, Response, Status};
use wire::Call;

use crate::domain::{self, Ending, Order, State};
use crate::place::{self, Pending};
use crate::reactions::changed;
use crate::recall::{Recalled, recall};
use crate::{shown, store};

/// How often an order that goes on is read again before its check is given up.
const READ_TRIES_MAX: u32 = 20;

/// Answers the rpcs of orders.
#[derive(Clone)]
pub struct Rpc {
    ctx: Ctx,
    pending: Pending,
}

impl Rpc {
    /// Makes the server.
    pub fn new(ctx: Ctx, pending: Pending) -> Rpc {
        Rpc { ctx, pending }
    }

    /// Loads an order that the principal may see; what it may not see does not exist for it.
    async fn seen(&self, principal: &Principal, id: i64) -> Result<Order, Fault> {
        let none = || Fault::not_found("order_not_found", "There is no such order.");
        let order = store::load(self.ctx.store(), OrderId(id)).await?.ok_or_else(none)?;
        let own = order.device_id.is_some() && order.device_id == principal.device();
        if own || planted(Mistake::OwnerNotAsked) || principal.serves(order.shop_id) { Ok(order) } else { Err(none()) }
    }

    /// Gives an order as it is kept and as its history makes it, both at one moment: read again for as long as it goes on.
    async fn kept_and_rebuilt(&self, principal: &Principal, mut kept: Order) -> Result<(Order, Option<Order>), Fault> {
        for _ in 0..READ_TRIES_MAX {
            let history = store::load_history(self.ctx.store(), kept.id).await?;
            let again = self.seen(principal, kept.id.0).await?;
            if again.version == kept.version {
                let rebuilt = Order::rebuild(kept.id, history);
                return Ok((kept, rebuilt));
            }
            kept = again;
        }
        Err(Fault::unavailable("too_busy", "Too many others are changing the same thing; try again."))
    }

    async fn show(&self, order: &Order) -> Result<Message, Fault> {
        Ok(shown::order(order, &store::load_frozen(self.ctx.store(), order.id).await?))
    }

    async fn page(&self, mut orders: Vec<Order>, limit: u32) -> Result<OrderPage, Fault> {
        if planted(Mistake::PageSkipsARow) && limit > 1 && orders.len() == limit as usize {
            // The last was only asked for to see whether there is more.
            let next = orders.pop().map(|order| order.id.0.to_string()).unwrap_or_default();
            let mut messages = Vec::with_capacity(orders.len());
            for order in &orders {
                messages.push(self.show(order).await?);
            }
            return Ok(OrderPage { orders: messages, next });
        }
        let next = if orders.len() == limit as usize {
            orders.last().map(|order| order.id.0.to_string()).unwrap_or_default()
        } else {
            String::new()
        };
        let mut messages = Vec::with_capacity(orders.len());
        for order in &orders {
            messages.push(self.show(order).await?);
        }
        Ok(OrderPage { orders: messages, next })
    }
}

fn rows(limit: u32) -> u32 {
    if limit == 0 { PAGE_ROWS_DEFAULT } else { limit.min(PAGE_ROWS_MAX) }
}

fn shop(id: i64) -> ShopId {
    ShopId(if id == 0 { 1 } else { id })
}

fn place_in_list(after: &str, first: i64) -> Result<i64, Fault> {
    if after.is_empty() {
        return Ok(first);
    }
    after.parse().map_err(|_| Fault::invalid("bad_page", "This is not a page of this list.").with("field", "after"))
}

fn reason(text: &str) -> Result<&str, Fault> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Fault::invalid("reason_too_long", format!("A reason has at most {TEXT_BYTES_MAX} bytes.")));
    }
    Ok(text)
}

#[tonic::async_trait]
impl Orders for Rpc {
    async fn place(&self, request: Request<PlaceRequest>) -> Result<Response<Message>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            place::place(&self.ctx, &self.pending, &call, request.get_ref()).await
        })
        .await
    }

    async fn get_order(&self, request: Request<GetOrderRequest>) -> Result<Response<Message>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let order = self.seen(&call.principal, request.get_ref().order_id).await?;
            self.show(&order).await
        })
        .await
    }

    async fn cancel(&self, request: Request<CancelRequest>) -> Result<Response<Message>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            let why = reason(&asked.reason)?;
            // Once it is called back it must end, however far it seems to have come when it is decided again.
            let recalled: OnceLock<Ending> = OnceLock::new();
            saga::settle(self.ctx.store(), self.ctx.world(), &call, || async {
                let order = self.seen(&call.principal, asked.order_id).await?;
                let frozen = store::load_frozen(self.ctx.store(), order.id).await?;
                let decided = match recalled.get() {
                    Some(ending) => order.end(ending.reason, &ending.by),
                    None => order.cancel(&call.principal).map_err(|error| error.fault())?,
                };
                let noted = |change: Change| {
                    let subject = order.id.0.to_string();
                    let staff = call.principal.serves(order.shop_id);
                    if staff {
                        change.write(self.ctx.store().act(&call.principal, "cancel_order", &subject, why))
                    } else {
                        change
                    }
                };
                let Some(happening) = decided else {
                    // The news of our own recall may have ended it first: it is our act all the same.
                    let change = if recalled.get().is_some() { noted(Change::new()) } else { Change::new() };
                    return Ok((change, shown::order(&order, &frozen)));
                };
                if let (None, domain::Happening::Cancelled(ending)) = (recalled.get(), &happening) {
                    match recall(&self.ctx, &call, &order, &happening, false).await? {
                        Recalled::Yes => drop(recalled.set(ending.clone())),
                        Recalled::TooLate(State::Delivered) => return Err(domain::Error::Delivered.fault()),
                        Recalled::TooLate(state) => return Err(domain::Error::TooLate(state).fault()),
                    }
                }
                let change = noted(changed(&self.ctx, &order, &happening, &call.correlation));
                let mut after = order.clone();
                after.apply(&happening, self.ctx.now());
                Ok((change, shown::order(&after, &frozen)))
            })
            .await
        })
        .await
    }

    async fn list_mine(&self, request: Request<ListMineRequest>) -> Result<Response<OrderPage>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let device: DeviceId = call
                .principal
                .device()
                .ok_or_else(|| Fault::unauthenticated("token_needed", "A device token is needed to list its orders."))?;
            let asked = request.get_ref();
            let limit = rows(asked.limit);
            let orders = store::list_mine(self.ctx.store(), device, place_in_list(&asked.after, i64::MAX)?, limit).await?;
            self.page(orders, limit).await
        })
        .await
    }

    async fn board(&self, request: Request<BoardRequest>) -> Result<Response<OrderPage>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            call.principal.must_serve(shop(asked.shop_id))?;
            let state =
                match asked.state.as_str() {
                    "" => None,
                    word => Some(State::of(word).ok_or_else(|| {
                        Fault::invalid("bad_state", "There is no such state of an order.").with("field", "state")
                    })?),
                };
            let limit = rows(asked.limit);
            let orders =
                store::list_board(self.ctx.store(), shop(asked.shop_id), state, place_in_list(&asked.after, 0)?, limit).await?;
            self.page(orders, limit).await
        })
        .await
    }

    async fn get_history(&self, request: Request<GetOrderRequest>) -> Result<Response<History>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let order = self.seen(&call.principal, request.get_ref().order_id).await?;
            let history = store::load_history(self.ctx.store(), order.id).await?;
            let happenings = history.into_iter().zip(1..).map(|((at, happening), seq)| Happening {
                seq,
                kind: happening.word().to_owned(),
                at: at.micros(),
                data: serde_json::to_string(&happening).unwrap_or_default(),
            });
            Ok(History { happenings: happenings.collect() })
        })
        .await
    }

    async fn get_statistics(&self, request: Request<StatisticsRequest>) -> Result<Response<Statistics>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let shop = shop(request.get_ref().shop_id);
            call.principal.must_serve(shop)?;
            let counts = store::statistics(self.ctx.store(), shop).await?;
            let of = |word: &str| {
                counts.iter().find(|(state, ..)| state == word).map_or((0, 0), |(_, orders, total)| (*orders, *total))
            };
            let orders: i64 = counts.iter().map(|(_, orders, _)| orders).sum();
            Ok(Statistics {
                orders,
                delivered_minor: of("delivered").1,
                in_flight: orders - of("delivered").0 - of("cancelled").0,
                states: counts
                    .into_iter()
                    .map(|(state, orders, total_minor)| StateCount { state, orders, total_minor })
                    .collect(),
            })
        })
        .await
    }

    async fn rebuild_projection(&self, request: Request<RebuildRequest>) -> Result<Response<RebuildAnswer>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            call.principal.must_serve(ShopId(1))?;
            let name = &request.get_ref().projection;
            saga::settle(self.ctx.store(), self.ctx.world(), &call, || async {
                let rebuilt = store::rebuild(name).ok_or_else(|| {
                    Fault::not_found(
                        "projection_not_found",
                        format!("There is no projection `{name}`; there are {}.", store::PROJECTIONS.join(", ")),
                    )
                })?;
                let act = self.ctx.store().act(&call.principal, "rebuild_projection", name, &request.get_ref().reason);
                let orders = u64::try_from(store::count(self.ctx.store()).await?).unwrap_or(0);
                Ok((rebuilt.write(act), RebuildAnswer { orders }))
            })
            .await
        })
        .await
    }

    async fn check_order(&self, request: Request<GetOrderRequest>) -> Result<Response<CheckAnswer>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let kept = self.seen(&call.principal, request.get_ref().order_id).await?;
            call.principal.must_serve(kept.shop_id)?;
            let (kept, rebuilt) = self.kept_and_rebuilt(&call.principal, kept).await?;
            let equal = rebuilt.as_ref() == Some(&kept);
            let difference = if equal { String::new() } else { format!("kept {kept:?}, rebuilt {rebuilt:?}") };
            Ok(CheckAnswer { equal, difference })
        })
        .await
    }

    async fn get_contact(&self, request: Request<GetOrderRequest>) -> Result<Response<Contact>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let order = self.seen(&call.principal, request.get_ref().order_id).await?;
            let Some(contact) = order.contact_id else { return Ok(Contact::default()) };
            let (person, erased) = store::load_person(self.ctx.store(), contact).await?.unwrap_or_default();
            Ok(shown::person(contact.0, person, erased))
        })
        .await
    }

    async fn erase_contact(&self, request: Request<EraseContactRequest>) -> Result<Response<Contact>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            let why = reason(&asked.reason)?;
            saga::settle(self.ctx.store(), self.ctx.world(), &call, || async {
                let order = self.seen(&call.principal, asked.order_id).await?;
                let Some(contact) = order.contact_id else { return Ok((Change::new(), Contact::default())) };
                let act = self.ctx.store().act(&call.principal, "erase_contact", &order.id.0.to_string(), why);
                Ok((
                    store::erase_person(contact).write(act),
                    Contact { contact_id: contact.0, erased: true, ..Contact::default() },
                ))
            })
            .await
        })
        .await
    }
}
