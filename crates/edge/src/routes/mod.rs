//! The resources, one file each.

pub(crate) mod analytics;
pub(crate) mod board;
pub(crate) mod catalog;
pub(crate) mod delivery;
pub(crate) mod devices;
pub(crate) mod events;
pub(crate) mod inventory;
pub(crate) mod items;
pub(crate) mod kitchen;
pub(crate) mod notifications;
pub(crate) mod operator;
pub(crate) mod order_view;
pub(crate) mod orders;
pub(crate) mod payments;
pub(crate) mod progress;
pub(crate) mod system;

use axum::{Json, Router};

use crate::Edge;
use crate::api::Api;
use crate::problem::Problem;

/// What a handler answers.
pub(crate) type Reply<T> = Result<Json<T>, Problem>;

/// Gives every route; the document of them is one of them.
pub(crate) fn all() -> Router<Edge> {
    let mut api = Api::new();
    let document = system::Document::default();
    system::add(&mut api, document.clone());
    devices::add(&mut api);
    catalog::add(&mut api);
    items::add(&mut api);
    orders::add(&mut api);
    progress::add(&mut api);
    board::add(&mut api);
    payments::add(&mut api);
    inventory::add(&mut api);
    kitchen::add(&mut api);
    delivery::add(&mut api);
    notifications::add(&mut api);
    analytics::add(&mut api);
    events::add(&mut api);
    operator::add(&mut api);
    crate::dialects::pizza::add(&mut api);
    let (router, described) = api.done();
    document.whole(described);
    router.merge(system::files())
}
