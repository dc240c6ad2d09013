//! Delivery: orders on their way from the counter to the door.
//!
//! Owns: deliveries, how long they take, the proof that they arrived. Promises: `EveryOrderEnds`: what is shipped is
//! handed over or given up; the cash that is taken is the cash that is due.
//! Never: ships what is not paid or promised, delivers what was cancelled, keeps an address.
//! Start reading at [`domain::Delivery::is_ready`], then `batch.rs`, which makes one commit of many deliveries.

mod batch;
pub mod domain;
mod jobs;
mod reactions;
mod retention;
mod rpc;
mod store;

use delivery_api::delivery_server::DeliveryServer;
use host::Retry;

/// The tables.
pub const MIGRATIONS: &[sql::Migration] =
    &[sql::Migration { version: 1, name: "begin", text: include_str!("../migrations/0001_begin.sql") }];

/// Makes the service.
pub fn service() -> host::Service {
    host::Service::new("delivery")
        .sql(MIGRATIONS)
        .rpc(|ctx| DeliveryServer::new(rpc::Rpc::new(ctx)))
        .hears_many("order.created", reactions::when_orders_created_expect_to_deliver)
        .hears_all(&["order.paid", "payment.promised"], reactions::when_orders_paid_or_promised_pack_goods)
        .hears_many("order.ready", reactions::when_orders_ready_carry_them)
        .hears_many("order.cancelled", reactions::when_orders_cancelled_call_back)
        .retains(host::Kept::Work, retention::drop_deliveries)
        .jobs_many(store::SHIP, Retry::TIMER, jobs::ship)
        .jobs_many(store::DELIVER, Retry::TIMER, jobs::deliver)
}
