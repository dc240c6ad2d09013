//! Edge: the outside of the platform, which is HTTP.
//!
//! Owns: routes and their document, who asks, limits, problems, events as they happen, dialects, the files of the shop.
//! Promises: `NobodyElsesData`; every error is a problem with a code and a page; every write happens once per key.
//! Never: decides a rule of the business, keeps state that matters, trusts a name or a price from outside.
//! Start reading at [`Edge`], then `door.rs`, through which every request comes.

mod api;
mod asked;
mod came;
mod device;
mod dialects;
mod document;
mod door;
mod feed;
mod files;
mod limit;
mod menu;
mod pages;
mod problem;
mod public;
mod routes;
mod serve;
mod shape;
mod shares;
mod stream;
mod who;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use axum::Router;
use base::{Fault, Id, PlatformKey, World};
use futures_util::FutureExt;
use host::Ctx;
use wire::{Call, Channel};

pub use serve::serve;

use crate::problem::Problem;

/// The services behind the edge.
pub(crate) const SERVICES: [&str; 8] =
    ["analytics", "catalog", "delivery", "inventory", "kitchen", "notifications", "orders", "payments"];

/// How the edge behaves.
#[derive(Debug, Clone)]
pub struct EdgeConfig {
    /// What staff show.
    pub staff_token: String,
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
    /// How many requests a client may send per second; staff are not limited. Setting `rate_limit_per_second`.
    pub requests_per_second: f64,
    /// How many new devices one address may make per second, orders without a token included; a tenth of
    /// `requests_per_second` when it is not said. Setting `rate_limit_devices_per_second`.
    pub devices_per_second: f64,
    /// How many clients are counted at once; the longest silent ones are forgotten.
    pub clients_max: usize,
    /// The proxies, such as `10.0.0.0/8`, whose `X-Forwarded-For` is believed; none by default. Setting `trusted_proxies`.
    pub trusted_proxies: String,
    /// How many streams of events may be open. Setting `sse_connections_max`.
    pub streams_max: usize,
    /// How many of them one client may have open. Setting `sse_connections_per_client`.
    pub streams_per_client_max: usize,
    /// How many of them all guests of one address may have open. Setting `sse_connections_per_address`.
    pub streams_per_address_max: usize,
    /// How often a silent stream says that it is alive.
    pub heartbeat: Duration,
    /// How long a request may take.
    pub timeout: Duration,
    /// How long a menu is served at most before it is read again.
    pub menu_life: Duration,
    /// The folder of the pages, for whoever works on them; those inside the binary when it is not said.
    pub web: Option<PathBuf>,
}

impl EdgeConfig {
    /// Makes the usual one.
    pub fn new(staff_token: &str) -> EdgeConfig {
        EdgeConfig {
            staff_token: staff_token.to_owned(),
            body_bytes_max: 1 << 20,
            requests_per_second: 200.0,
            devices_per_second: 20.0,
            clients_max: 100_000,
            trusted_proxies: String::new(),
            streams_max: 10_000,
            streams_per_client_max: 20,
            streams_per_address_max: 1_000,
            heartbeat: Duration::from_secs(15),
            timeout: Duration::from_secs(30),
            menu_life: Duration::from_secs(5),
            web: None,
        }
    }

    /// Takes over what the settings say.
    fn take_settings(&mut self, ctx: &Ctx) {
        let count = |name, otherwise: usize| ctx.number(name, otherwise as f64).max(0.0) as usize;
        self.streams_max = count("sse_connections_max", self.streams_max);
        self.streams_per_client_max = count("sse_connections_per_client", self.streams_per_client_max);
        self.streams_per_address_max = count("sse_connections_per_address", self.streams_per_address_max);
        if ctx.setting("rate_limit_per_second").is_some() {
            self.requests_per_second = ctx.number("rate_limit_per_second", self.requests_per_second).max(1.0);
            self.devices_per_second = self.requests_per_second / 10.0;
        }
        let devices = ctx.number("rate_limit_devices_per_second", self.devices_per_second);
        self.devices_per_second = devices.max(limit::PER_SECOND_MIN);
        if let Some(proxies) = ctx.setting("trusted_proxies") {
            self.trusted_proxies = proxies.to_owned();
        }
    }
}

/// Gives the metrics as Prometheus reads them.
pub type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

pub(crate) struct Inner {
    pub(crate) ctx: Ctx,
    pub(crate) config: EdgeConfig,
    pub(crate) metrics: Metrics,
    pub(crate) feed: feed::Feed,
    pub(crate) menu: menu::Menu,
    pub(crate) files: files::Files,
    pub(crate) proxies: came::Proxies,
    pub(crate) buckets: limit::Buckets,
    pub(crate) open: limit::Open,
    pub(crate) streams: AtomicUsize,
}

/// The outside of a platform. Clones share everything.
#[derive(Clone)]
pub struct Edge(pub(crate) Arc<Inner>);

macro_rules! clients {
    ($($name:ident: $api:ident::$module:ident::$client:ident),* $(,)?) => {
        impl Edge {
            $(
                pub(crate) fn $name(&self, call: &Call) -> Result<$api::$module::$client<Channel>, Fault> {
                    Ok($api::$module::$client::new(self.way(stringify!($name), call)?))
                }
            )*
        }
    };
}

clients! {
    analytics: analytics_api::analytics_client::AnalyticsClient,
    catalog: catalog_api::catalog_client::CatalogClient,
    delivery: delivery_api::delivery_client::DeliveryClient,
    inventory: inventory_api::inventory_client::InventoryClient,
    kitchen: kitchen_api::kitchen_client::KitchenClient,
    notifications: notifications_api::notifications_client::NotificationsClient,
    orders: orders_api::orders_client::OrdersClient,
    payments: payments_api::payments_client::PaymentsClient,
}

/// Asks a service: `ask!(edge, call, orders.get_order, GetOrderRequest { … })`.
#[macro_export]
#[doc(hidden)]
macro_rules! ask {
    ($edge:expr, $call:expr, $service:ident.$method:ident, $message:expr) => {
        $edge.$service($call)?.$method($message).await.map_err(wire::fault_of)?.into_inner()
    };
}

impl Edge {
    /// Makes the edge of a platform; `ctx` is the view named `gateway`.
    pub fn new(ctx: Ctx, mut config: EdgeConfig, metrics: Metrics) -> Edge {
        config.take_settings(&ctx);
        let proxies = came::Proxies::parse(&config.trusted_proxies);
        let buckets = limit::Buckets::new(config.clients_max);
        let open = limit::Open::default();
        let menu = menu::Menu::new(config.menu_life);
        let feed = feed::Feed::default();
        let files = files::Files::of(config.web.as_ref());
        let streams = AtomicUsize::new(0);
        let edge = Edge(Arc::new(Inner { ctx, config, metrics, feed, menu, files, proxies, buckets, open, streams }));
        let from = edge.0.ctx.log().last().now_or_never().and_then(Result::ok);
        edge.world().spawn("edge feed", feed::follow(edge.clone(), from));
        edge
    }

    /// Gives all of its routes.
    pub fn router(&self) -> Router {
        routes::all()
            .merge(files::routes(&self.0.files))
            .fallback(files::other)
            .method_not_allowed_fallback(|| async {
                Problem::with_status(405, Fault::invalid("method_not_allowed", "This address does not know this method."))
            })
            .layer(axum::middleware::from_fn_with_state(self.clone(), door::pass))
            .with_state(self.clone())
    }

    pub(crate) fn world(&self) -> &World {
        self.0.ctx.world()
    }

    pub(crate) fn key(&self) -> &PlatformKey {
        self.0.ctx.key()
    }

    /// Shows an id; none for zero.
    pub(crate) fn show<I: Id>(&self, number: i64) -> Option<String> {
        (number != 0).then(|| I::of(number).show(self.key()))
    }

    /// Shows an id that is there.
    pub(crate) fn id<I: Id>(&self, number: i64) -> String {
        I::of(number).show(self.key())
    }

    /// Reads an id of a path or a body.
    pub(crate) fn read<I: Id>(&self, text: &str) -> Result<i64, Fault> {
        I::read(text, self.key()).map(Id::number)
    }

    fn way(&self, service: &'static str, call: &Call) -> Result<Channel, Fault> {
        let channel = self.0.ctx.peer(service, call)?;
        // A read can be asked again; a write is repeated only by whoever knows its key.
        Ok(if call.request.is_none() { channel.idempotent() } else { channel })
    }

    /// Finds a service by the name in an address.
    pub(crate) fn service(name: &str) -> Result<&'static str, Fault> {
        let found = SERVICES.into_iter().find(|known| *known == name);
        found.ok_or_else(|| {
            Fault::not_found("service_not_found", format!("There is no service `{name}`; there are {}.", SERVICES.join(", ")))
        })
    }

    /// Gives the desk at which operators look into a service.
    pub(crate) fn desk(
        &self,
        service: &'static str,
        call: &Call,
    ) -> Result<operator_api::operator_client::OperatorClient<Channel>, Fault> {
        Ok(operator_api::operator_client::OperatorClient::new(self.0.ctx.operator(service, call)?))
    }
}

#[cfg(test)]
mod tests;
