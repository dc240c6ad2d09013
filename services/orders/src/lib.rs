//! Orders: what a customer asked for, and how far it has come.
//!
//! Owns: orders, their lines, their history, the record of the person behind one. Promises: `NoOrderIsLost`, `EveryOrderEnds`.
//! Never: takes money, moves stock, trusts a price from outside.
//! Start reading at [`domain::Order`], then `place.rs`.

pub mod domain;
#[cfg(test)]
mod domain_tests;
mod place;
mod reactions;
mod recall;
mod retention;
mod rpc;
mod shown;
mod store;

use host::{Kept, Retry, Service};
use orders_api::orders_server::OrdersServer;
use sql::Migration;

/// Gives the service.
pub fn service() -> Service {
    let pending = place::Pending::default();
    let (counted, shared) = (pending.clone(), pending.clone());
    Service::new("orders")
        .sql(&[
            Migration { version: 1, name: "begin", text: include_str!("../migrations/0001_begin.sql") },
            Migration { version: 2, name: "retention", text: include_str!("../migrations/0002_retention.sql") },
        ])
        .rpc(move |ctx| OrdersServer::new(rpc::Rpc::new(ctx, pending)))
        .on_start(move |ctx| async move { counted.count(&ctx).await })
        .hears_many("stock.reserved", reactions::when_stock_reserved_await_payment)
        .hears("stock.rejected", reactions::when_stock_rejected_cancel)
        .hears_many("order.paid", reactions::when_paid_note_it)
        .hears_many("payment.promised", reactions::when_promised_note_it)
        .hears("payment.failed", reactions::when_payment_failed_cancel)
        .hears_many("cooking.started", reactions::when_cooking_started_note_it)
        .hears_many("order.ready", reactions::when_ready_note_it)
        .hears("cooking.failed", reactions::when_cooking_failed_cancel)
        .hears_many("order.shipped", reactions::when_shipped_note_it)
        .hears_many("order.delivered", reactions::when_delivered_end)
        .hears("delivery.failed", reactions::when_delivery_failed_cancel)
        .hears("delivery.recalled", reactions::when_recalled_cancel)
        .retains(Kept::Books, retention::drop_orders)
        .retains(Kept::Books, retention::drop_lines)
        .job("deadline", Retry::TIMER, reactions::when_a_deadline_passes)
        .on_start(move |ctx| async move { shared.follow(&ctx) })
}
