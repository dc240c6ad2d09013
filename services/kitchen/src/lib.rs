//! Kitchen: the dishes of paid orders on their way over the stations.
//!
//! Owns: tickets, dishes, stations and when their places are taken. Promises: no place holds two dishes at once; what is
//! booked becomes ready, or its order ends with the reason.
//! Never: ticks, cooks what is not paid or promised, begins what was cancelled, takes money back.
//! Start reading at [`domain::Ticket::book`], then `batch.rs`, which makes one commit of many tickets.

mod batch;
pub mod domain;
mod jobs;
mod reactions;
mod retention;
mod rpc;
mod store;

use host::Retry;
use kitchen_api::kitchen_server::KitchenServer;

/// The tables.
pub const MIGRATIONS: &[sql::Migration] = &[
    sql::Migration { version: 1, name: "begin", text: include_str!("../migrations/0001_begin.sql") },
    sql::Migration { version: 2, name: "by_hand", text: include_str!("../migrations/0002_by_hand.sql") },
];

/// Makes the service.
pub fn service() -> host::Service {
    host::Service::new("kitchen")
        .sql(MIGRATIONS)
        .rpc(|ctx| KitchenServer::new(rpc::Rpc::new(ctx)))
        .hears_many("order.created", reactions::when_orders_created_write_tickets)
        .hears_all(&["order.paid", "payment.promised"], reactions::when_orders_paid_or_promised_book_them)
        .hears_many("order.cancelled", reactions::when_orders_cancelled_take_tickets_back)
        .retains(host::Kept::Work, retention::drop_tickets)
        .jobs_many(store::START, Retry::TIMER, jobs::start)
        .jobs_many(store::READY, Retry::TIMER, jobs::ready)
        .job(store::LEAVE, Retry::TIMER, jobs::leave)
}
