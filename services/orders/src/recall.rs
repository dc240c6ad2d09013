//! Before an order ends early, it is called back: delivery alone knows whether it was handed over.
//!
//! What orders has heard may be old: news is on its way, or waits after a pause. Money that goes back for an order that
//! is at its customer's table would be lost, so the end is decided where the handing over is.

use base::{Fault, Mistake, planted};
use delivery_api::RecallRequest;
use delivery_api::delivery_client::DeliveryClient;
use host::Ctx;
use wire::{Call, fault_of};

use crate::domain::{Happening, Order, State};

/// Whether an order can still end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recalled {
    /// Nobody will hand it over.
    Yes,
    /// It has come so far already.
    TooLate(State),
}

/// Calls an order back that is about to be cancelled; `from_the_way` even when it has left the shop.
///
/// Delivery then says so, and the order ends by that event should this process not live to end it.
pub async fn recall(ctx: &Ctx, call: &Call, order: &Order, happening: &Happening, from_the_way: bool) -> Result<Recalled, Fault> {
    let Happening::Cancelled(ending) = happening else { return Ok(Recalled::Yes) };
    if planted(Mistake::CancelledWithoutRecall) {
        return Ok(Recalled::Yes);
    }
    let reason = serde_json::to_value(ending.reason).ok().and_then(|word| word.as_str().map(str::to_owned));
    let asked = RecallRequest {
        order_id: order.id.0,
        shop_id: order.shop_id.0,
        reason: reason.unwrap_or_default(),
        by: ending.by.clone(),
        from_the_way,
    };
    let platform = Call::platform(ctx.name(), call.correlation.as_str()).traced(call.traceparent.clone());
    let mut delivery = DeliveryClient::new(ctx.peer("delivery", &platform)?);
    let answer = delivery.recall(asked).await.map_err(fault_of)?.into_inner();
    Ok(match (answer.recalled, answer.state.as_str()) {
        (true, _) => Recalled::Yes,
        (false, "delivered") => Recalled::TooLate(State::Delivered),
        (false, _) => Recalled::TooLate(State::Shipped),
    })
}
