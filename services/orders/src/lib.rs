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

/// The news that bring an order further.
const FURTHER: [&str; 7] =
    ["stock.reserved", "order.paid", "payment.promised", "cooking.started", "order.ready", "order.shipped", "order.delivered"];

/// Gives the service.
pub fn service() -> Service {
    let pending = place::Pending::default();
    let (counted, shared) = (pending.clone(), pending.clone());
    Service::new("orders")
        .sql(&[
            Migration { version: 1, name: "begin", text: include_str!("../migrations/0001_begin.sql") },
            Migration { version: 2, name: "retention", text: include_str!("../migrations/0002_retention.sql") },
            Migration { version: 3, name: "board", text: include_str!("../migrations/0003_board.sql") },
        ])
        .rpc(move |ctx| OrdersServer::new(rpc::Rpc::new(ctx, pending)))
        .on_start(move |ctx| async move { counted.count(&ctx).await })
        .hears_runs(&FURTHER, reactions::when_orders_come_further_note_it)
        .hears("stock.rejected", reactions::when_stock_rejected_cancel)
        .hears("payment.failed", reactions::when_payment_failed_cancel)
        .hears("cooking.failed", reactions::when_cooking_failed_cancel)
        .hears("delivery.failed", reactions::when_delivery_failed_cancel)
        .hears("delivery.recalled", reactions::when_recalled_cancel)
        .retains(Kept::Books, retention::drop_orders)
        .retains(Kept::Books, retention::drop_lines)
        .job("deadline", Retry::TIMER, reactions::when_a_deadline_passes)
        .on_start(move |ctx| async move { shared.follow(&ctx) })
}
