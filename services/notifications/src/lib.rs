//! Notifications: messages to customers in the app and by mail.
//!
//! Owns: messages, whether they were read, the outgoing mail. Promises: one message per step of an order, in English and
//! Russian, to its own guest and nobody else (`NobodyElsesData`); what has expired is gone.
//! Never: keeps a name or an address, or delays an order because mail is slow.
//! Start reading at [`domain::Template`], then `reactions`.

pub mod domain;
mod jobs;
mod mail;
mod money;
mod reactions;
mod retention;
mod rpc;
mod store;
mod words;

use std::time::Duration;

use host::Retry;
use notifications_api::notifications_server::NotificationsServer;

/// Mail may be written hours later; beyond that nobody wants it.
const MAIL: Retry =
    Retry { attempts_max: 30, first: Duration::from_millis(200), longest: Duration::from_secs(600), concurrency: 16 };

/// What people are told about an order after it was placed.
const TOLD: [&str; 7] = [
    "order.paid",
    "payment.promised",
    "payment.refunded",
    "cooking.started",
    "order.shipped",
    "order.delivered",
    "order.cancelled",
];

/// Gives the service.
pub fn service() -> host::Service {
    host::Service::new("notifications")
        .sql(&[sql::Migration { version: 1, name: "begin", text: include_str!("../migrations/0001_begin.sql") }])
        .rpc(|ctx| NotificationsServer::new(rpc::Rpc::new(ctx)))
        .hears_many("order.created", reactions::when_orders_created_remember_whom_to_tell)
        .hears_runs(&TOLD, reactions::when_something_happened_tell)
        .retains(host::Kept::Work, retention::drop_notes)
        .job("mail", MAIL, jobs::mail)
        .job("expire", Retry::TIMER, jobs::expire)
        .on_start(jobs::begin)
}
