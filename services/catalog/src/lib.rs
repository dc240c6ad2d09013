//! Catalog: what a shop sells, at what price, and how it is made.
//!
//! Owns: shops' settings, categories, items with sizes, recipes and availability, options. Promises: a stale edit is
//! refused; a quote is of one state of the menu; what this process wrote is in its next answer.
//! Never: knows how much is in stock, or trusts a price from outside.
//! Start reading at [`domain::Item`], then [`quote::quote`] and [`shelf`].

mod convert;
pub mod domain;
pub mod list;
pub mod menu;
pub mod quote;
mod reactions;
mod rpc;
pub mod seed;
mod shelf;
mod store;

use catalog_api::catalog_server::CatalogServer;

/// The service.
pub fn service() -> host::Service {
    host::Service::new("catalog").documents(store::COLLECTIONS).rpc(|ctx| CatalogServer::new(rpc::Rpc::new(ctx)))
}
