//! Inventory: how much there is of everything, and what is set aside for whom.
//!
//! Owns: stock levels per shop, reservations of orders, the ledger of movements.
//! Promises: `StockIsNeverNegative`; an order gets all it needs or nothing; a level that falls below its mark is said once.
//! Never: decides what a dish is made of, waits for another service, or keeps a quantity in memory.
//! Start reading at [`domain::serve`], then [`domain::edit`].

pub mod domain;
mod edits;
mod reactions;
mod retention;
mod rpc;
mod shown;
mod store;

use inventory_api::inventory_server::InventoryServer;

/// Gives the service.
pub fn service() -> host::Service {
    host::Service::new("inventory")
        .sql(&[
            sql::Migration { version: 1, name: "begin", text: include_str!("../migrations/0001_begin.sql") },
            sql::Migration { version: 2, name: "retention", text: include_str!("../migrations/0002_retention.sql") },
        ])
        .retains(host::Kept::Work, retention::drop_reservations)
        .retains(host::Kept::Books, retention::drop_edits)
        .rpc(|ctx| InventoryServer::new(rpc::Rpc::new(ctx)))
        .hears_many("order.created", reactions::when_orders_created_set_aside)
        .hears_many("order.cancelled", reactions::when_orders_cancelled_put_back)
        .hears_many("payment.failed", reactions::when_payments_failed_put_back)
        .hears_many("cooking.started", reactions::when_orders_leave_the_shelf_use_up)
        .hears_many("order.shipped", reactions::when_orders_leave_the_shelf_use_up)
}
