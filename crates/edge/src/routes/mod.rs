//! The resources, one file each.

pub(crate) mod analytics;
pub(crate) mod catalog;
pub(crate) mod delivery;
pub(crate) mod devices;
pub(crate) mod events;
pub(crate) mod inventory;
pub(crate) mod items;
pub(crate) mod kitchen;
pub(crate) mod notifications;
pub(crate) mod operator;
pub(crate) mod orders;
pub(crate) mod payments;
pub(crate) mod system;

use axum::{Json, Router};
use serde_json::Value;

use crate::Edge;
use crate::api::Api;
use crate::problem::Problem;

/// What a handler answers.
pub(crate) type Reply<T> = Result<Json<T>, Problem>;

/// What a handler answers that writes its JSON down itself.
pub(crate) type Answer = Reply<Value>;

/// Gives every route and their document.
pub(crate) fn all() -> (Router<Edge>, Value) {
    let mut api = Api::new();
    system::add(&mut api);
    devices::add(&mut api);
    catalog::add(&mut api);
    items::add(&mut api);
    orders::add(&mut api);
    payments::add(&mut api);
    inventory::add(&mut api);
    kitchen::add(&mut api);
    delivery::add(&mut api);
    notifications::add(&mut api);
    analytics::add(&mut api);
    events::add(&mut api);
    operator::add(&mut api);
    crate::dialects::pizza::add(&mut api);
    api.done()
}
