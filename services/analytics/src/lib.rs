//! Analytics: counts and sums over all events, which can be rebuilt from them.
//!
//! Owns: figures by type of event, minute, business day and month, by item, and of cooking times.
//! Promises: each event is counted once (`EffectsHappenOnce`); a rebuild ends with the same figures, while orders flow.
//! Never: asks anybody for figures, or is asked by the checkout.
//! Start reading at [`domain::Ledger::hear`], then `reactions`, then `rebuild`.

mod clocks;
pub mod domain;
mod reactions;
mod rebuild;
mod retention;
mod rpc;
mod store;

use analytics_api::analytics_server::AnalyticsServer;
use host::Retry;

use crate::clocks::Clocks;

/// All that is counted; a few of them mean more to analytics than that.
const HEARD: [&str; 28] = [
    "order.created",
    "order.cancelled",
    "order.shipped",
    "order.delivered",
    "delivery.failed",
    "payment.requested",
    "order.paid",
    "payment.promised",
    "payment.failed",
    "payment.refunded",
    "payment.voided",
    "stock.reserved",
    "stock.rejected",
    "stock.low",
    "stock.changed",
    "cooking.started",
    "ticket.changed",
    "order.ready",
    "cooking.failed",
    "item.created",
    "item.changed",
    "price.changed",
    "item.retired",
    "availability.changed",
    "notification.created",
    "dead_letter.parked",
    "dead_letter.redriven",
    "dead_letter.discarded",
];

/// Gives the service.
pub fn service() -> host::Service {
    let clocks = Clocks::default();
    let (of_rpc, of_rebuild) = (clocks.clone(), clocks.clone());
    let service = host::Service::new("analytics")
        .sql(&[
            sql::Migration { version: 1, name: "begin", text: include_str!("../migrations/0001_begin.sql") },
            sql::Migration { version: 2, name: "retention", text: include_str!("../migrations/0002_retention.sql") },
            sql::Migration { version: 3, name: "letters", text: include_str!("../migrations/0003_letters.sql") },
        ])
        .retains(host::Kept::Work, retention::drop_minutes)
        .rpc(move |ctx| AnalyticsServer::new(rpc::Rpc::new(ctx, of_rpc)))
        .job("rebuild", Retry::TIMER, move |ctx, job| rebuild::replay(ctx, of_rebuild.clone(), job));
    service.hears_runs(&HEARD, move |ctx, events| reactions::when_anything_happened_count(ctx, clocks.clone(), events))
}
