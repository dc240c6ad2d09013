//! Payments: the money of orders, by card through a provider or in cash at the door.
//!
//! Owns: payments, their movements, tokens of cards. Promises: `MoneyIsConserved`: one key per payment at the provider,
//! a lost answer is asked after, what must go back goes back or lies in the dead letters with its cause.
//! Never: accepts, keeps or logs a card number; moves money within a transaction; asks twice under different keys.
//! Start reading at [`domain::decide`], then `asking.rs`.

pub mod asking;
mod breaker;
pub mod domain;
#[cfg(test)]
mod interleavings;
mod jobs;
pub mod payment;
pub mod provider;
mod provider_http;
mod reactions;
pub mod reconcile;
mod retention;
mod rpc;
mod store;

use std::sync::Arc;

use payments_api::payments_server::PaymentsServer;

use breaker::{Breaker, Policy};

/// The tables.
pub const MIGRATIONS: &[sql::Migration] =
    &[sql::Migration { version: 1, name: "begin", text: include_str!("../migrations/0001_begin.sql") }];

/// Makes the service. The breaker towards the provider is one per process, shared by its jobs and its rpcs.
pub fn service() -> host::Service {
    let breaker = Arc::new(Breaker::new(Policy::default()));
    let (of_rpcs, of_charges, of_withdrawals, of_refunds) = (breaker.clone(), breaker.clone(), breaker.clone(), breaker.clone());
    host::Service::new("payments")
        .sql(MIGRATIONS)
        .rpc(move |ctx| PaymentsServer::new(rpc::Rpc::new(ctx, of_rpcs)))
        .hears_many("order.created", reactions::when_orders_created_expect_money)
        .hears_many("stock.reserved", reactions::when_stock_reserved_take_payment)
        .hears("order.cancelled", reactions::when_order_cancelled_give_back)
        .hears_many("order.delivered", reactions::when_orders_delivered_take_cash)
        .retains(host::Kept::Books, retention::drop_payments)
        .retains(host::Kept::Books, retention::drop_cards)
        .job(store::CHARGE, jobs::CHARGE_RETRY, move |ctx, job| jobs::charge(ctx, of_charges.clone(), job))
        .job(store::WITHDRAW, jobs::RETURN_RETRY, move |ctx, job| jobs::withdraw(ctx, of_withdrawals.clone(), job))
        .job(store::REFUND, jobs::RETURN_RETRY, move |ctx, job| jobs::refund(ctx, of_refunds.clone(), job))
        // Past an open breaker nothing goes: what is due waits where it is, and is not tried in vain.
        .holds_back(&[store::CHARGE, store::WITHDRAW, store::REFUND], move |ctx| breaker.leave(ctx.world()))
}
