//! The contract's verbs: who may, then the store and the domain, then the answer.

use base::id::{Id, OrderId, ShopId};
use base::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX, TEXT_BYTES_MAX};
use base::{Fault, NewEvent, Principal, Timestamp};
use delivery_api as api;
use delivery_api::delivery_server::Delivery as Contract;
use delivery_api::events::DeliveryRecalled;
use host::Ctx;
use sql::Change;
use tonic::{Request, Response, Status};
use wire::Call;

use crate::batch::{Batch, settings_or_usual};
use crate::domain::{Decision, Delivery, Error, Settings, State, Wish};
use crate::reactions::{UNHEARD, blank};
use crate::store;

/// What is said of an order of which nothing is kept here any more.
const DROPPED: &str = "dropped";

/// The server of the contract.
pub struct Rpc {
    ctx: Ctx,
}

impl Rpc {
    /// Makes it.
    pub fn new(ctx: Ctx) -> Rpc {
        Rpc { ctx }
    }

    /// Finds a delivery for somebody who serves its shop; for others it is not there.
    async fn find(&self, principal: &Principal, order: i64) -> Result<Delivery, Fault> {
        staff_or_platform(principal)?;
        let delivery = store::delivery(self.ctx.store(), OrderId(order)).await?;
        delivery
            .filter(|delivery| !delivery.state.is_early() && principal.serves(delivery.shop_id))
            .ok_or_else(|| Error::NotFound.fault())
    }

    /// Carries out what a courier says.
    async fn act(
        &self,
        call: &Call,
        order: i64,
        act: &str,
        reason: &str,
        decide: impl Fn(&mut Delivery, Timestamp) -> Result<Decision, Error>,
    ) -> Result<api::Shipment, Fault> {
        host::settle(self.ctx.store(), self.ctx.world(), call, || async {
            let before = self.find(&call.principal, order).await?;
            let mut batch = Batch::begin(&self.ctx);
            let mut after = before.clone();
            let decision = decide(&mut after, batch.now()).map_err(|error| error.fault())?;
            batch.keep(&before, &after, decision, &call.correlation);
            after.version += 1;
            Ok((self.acted(batch.end(), call, act, &order.to_string(), reason), answer_of(&after)))
        })
        .await
    }

    /// Records who did it and why, where it was a person.
    fn acted(&self, change: Change, call: &Call, act: &str, subject: &str, reason: &str) -> Change {
        match call.principal {
            Principal::Staff { .. } => change.write(self.ctx.store().act(&call.principal, act, subject, reason)),
            _ => change,
        }
    }

    /// Calls an order back for whoever is about to end it. An answer is not recorded: asked again, it is decided again.
    async fn recalled(&self, call: &Call, asked: &api::RecallRequest) -> Result<api::RecallAnswer, Fault> {
        let order = OrderId(asked.order_id);
        host::settle(self.ctx.store(), self.ctx.world(), &Call { request: None, ..call.clone() }, || async {
            let known = store::delivery(self.ctx.store(), order).await?;
            // It may have ended here so long ago that it was dropped: whoever still wants to end it must look for himself.
            if known.is_none() && order.0 < self.ctx.store().trimmed().await?.ids_below {
                return Ok((Change::new(), api::RecallAnswer { recalled: false, state: DROPPED.to_owned() }));
            }
            let mut batch = Batch::begin(&self.ctx);
            let (after, decision) = match known {
                // Not heard of yet: when it is, there is nothing to do for it any more.
                None => {
                    let grave = blank(&self.ctx, order, ShopId(asked.shop_id), State::Cancelled, UNHEARD);
                    batch.insert(&grave);
                    (grave, Some(Decision { changed: true, ..Decision::default() }))
                }
                Some(before) => {
                    let mut after = before.clone();
                    let decision = after.recall(asked.from_the_way);
                    if let Some(decision) = &decision {
                        batch.keep(&before, &after, decision.clone(), &call.correlation);
                    }
                    (after, decision)
                }
            };
            let answer = api::RecallAnswer { recalled: decision.is_some(), state: after.state.name().to_owned() };
            let change = match decision {
                Some(Decision { changed: true, .. }) => batch.end().say(recalled_said(&after, asked, call, self.ctx.now())),
                _ => batch.end(),
            };
            Ok((change, answer))
        })
        .await
    }

    async fn list(&self, request: Request<api::ListDeliveriesRequest>) -> Result<api::ShipmentPage, Fault> {
        let call = Call::of(&request)?;
        let api::ListDeliveriesRequest { shop_id, state, after, limit } = request.into_inner();
        let shop = ShopId(shop_id);
        call.principal.must_serve(shop)?;
        let named = |known: &State| known.name() == state && !known.is_early();
        let bad_state = || Fault::invalid("bad_delivery_state", "There is no such state of a delivery.").with("field", "state");
        let state = if state.is_empty() { None } else { Some(State::ALL.into_iter().find(named).ok_or_else(bad_state)?) };
        let bad_page = || Fault::invalid("bad_page", "The page's mark is not one that was given out.");
        let before = if after.is_empty() { i64::MAX } else { after.parse().map_err(|_| bad_page())? };
        let limit = if limit == 0 { PAGE_ROWS_DEFAULT } else { limit.min(PAGE_ROWS_MAX) };
        let page = store::page(self.ctx.store(), shop, state, before, limit).await?;
        let full = page.len() >= limit as usize;
        let next = page.last().filter(|_| full).map_or_else(String::new, |last| last.order_id.number().to_string());
        Ok(api::ShipmentPage { shipments: page.iter().map(answer_of).collect(), next })
    }

    async fn put(&self, request: Request<api::Settings>) -> Result<api::Settings, Fault> {
        let call = Call::of(&request)?;
        let asked = request.into_inner();
        if asked.reason.len() > TEXT_BYTES_MAX {
            return Err(Error::TextTooLong { field: "reason" }.fault());
        }
        let shop = ShopId(asked.shop_id);
        call.principal.must_serve(shop)?;
        let wish = Wish {
            packing_seconds: asked.packing_seconds,
            carrying_seconds: asked.carrying_seconds,
            shipping_seconds: asked.shipping_seconds,
            time_scale: asked.time_scale,
            by_itself: asked.by_itself,
            version: asked.version,
        };
        host::settle(self.ctx.store(), self.ctx.world(), &call, || async {
            let settings = settings_or_usual(&self.ctx, shop).await?.change(wish).map_err(|error| error.fault())?;
            let change = Change::new().guarded(store::save_settings(shop, &settings));
            Ok((self.acted(change, &call, "put_settings", "delivery", &asked.reason), settings_answer(shop, &settings)))
        })
        .await
    }
}

#[tonic::async_trait]
impl Contract for Rpc {
    async fn get_delivery(&self, request: Request<api::GetDeliveryRequest>) -> Result<Response<api::Shipment>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            Ok(answer_of(&self.find(&call.principal, request.into_inner().order_id).await?))
        })
        .await
    }

    async fn list_deliveries(&self, request: Request<api::ListDeliveriesRequest>) -> Result<Response<api::ShipmentPage>, Status> {
        host::answer(self.list(request)).await
    }

    async fn hand_over(&self, request: Request<api::HandOverRequest>) -> Result<Response<api::Shipment>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            let api::HandOverRequest { order_id, proof, cash_taken_minor } = request.into_inner();
            self.act(&call, order_id, "hand_over", &proof, |delivery, now| delivery.hand_over(&proof, cash_taken_minor, now))
                .await
        })
        .await
    }

    async fn give_up(&self, request: Request<api::GiveUpRequest>) -> Result<Response<api::Shipment>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            let api::GiveUpRequest { order_id, reason } = request.into_inner();
            self.act(&call, order_id, "give_up", &reason, |delivery, _| delivery.give_up(&reason)).await
        })
        .await
    }

    async fn recall(&self, request: Request<api::RecallRequest>) -> Result<Response<api::RecallAnswer>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            match call.principal {
                Principal::Platform { .. } => self.recalled(&call, request.get_ref()).await,
                _ => Err(Error::NotFound.fault()),
            }
        })
        .await
    }

    async fn get_settings(&self, request: Request<api::GetSettingsRequest>) -> Result<Response<api::Settings>, Status> {
        host::answer(async {
            let call = Call::of(&request)?;
            let shop = ShopId(request.into_inner().shop_id);
            call.principal.must_serve(shop)?;
            Ok(settings_answer(shop, &settings_or_usual(&self.ctx, shop).await?))
        })
        .await
    }

    async fn put_settings(&self, request: Request<api::Settings>) -> Result<Response<api::Settings>, Status> {
        host::answer(self.put(request)).await
    }
}

/// Refuses guests before anything is looked up, so that they cannot tell which ids exist.
fn staff_or_platform(principal: &Principal) -> Result<(), Fault> {
    match principal {
        Principal::Staff { .. } | Principal::Platform { .. } => Ok(()),
        Principal::Guest { .. } | Principal::Nobody => principal.must_serve(ShopId(0)),
    }
}

/// Says why and by whom the order is to end, so that it ends so whatever becomes of whoever asked.
fn recalled_said(delivery: &Delivery, asked: &api::RecallRequest, call: &Call, now: Timestamp) -> NewEvent {
    let Delivery { order_id, shop_id, delivery_id, .. } = *delivery;
    let fact = DeliveryRecalled { order_id, shop_id, delivery_id, reason: asked.reason.clone(), by: asked.by.clone() };
    NewEvent::of(&fact, now, &call.correlation)
}

fn answer_of(delivery: &Delivery) -> api::Shipment {
    api::Shipment {
        delivery_id: delivery.delivery_id.number(),
        order_id: delivery.order_id.number(),
        shop_id: delivery.shop_id.number(),
        state: delivery.state.name().to_owned(),
        way: if delivery.order.carried { "carried" } else { "packed" }.to_owned(),
        cash_due_minor: delivery.cash_due_minor(),
        cash_taken_minor: delivery.cash_taken_minor,
        currency: delivery.order.currency.code().to_owned(),
        shipped_at: delivery.shipped_at.micros(),
        expected_at: delivery.expected_at.micros(),
        delivered_at: delivery.delivered_at.micros(),
        proof: delivery.proof.clone(),
        reason: delivery.reason.clone(),
        version: delivery.version,
    }
}

fn settings_answer(shop: ShopId, settings: &Settings) -> api::Settings {
    api::Settings {
        shop_id: shop.number(),
        packing_seconds: settings.packing_seconds,
        carrying_seconds: settings.carrying_seconds,
        shipping_seconds: settings.shipping_seconds,
        time_scale: settings.time_scale,
        by_itself: settings.by_itself,
        version: settings.version,
        reason: String::new(),
    }
}
