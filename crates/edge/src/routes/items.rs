//! Items as staff edit them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base::Fault;
use base::id::{ItemId, StockId};
use catalog_api::{
    ChangeItemRequest, CreateItemRequest, Item as Message, Need as MessageNeed, RetireItemRequest, SetAvailabilityRequest,
    Step as MessageStep, Variant as MessageVariant,
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Reply;
use super::catalog::{Item, Need, Step, ask_shop, shown};
use crate::api::{self, Api};
use crate::asked::{Asked, Named, Sent};
use crate::problem::Problem;
use crate::shape::Texts;
use crate::{Edge, ask};

pub(crate) fn add(api: &mut Api) {
    api.chapter("catalog");
    api.add(api::post("/v1/items", "Adds an item").takes::<ItemSent>().gives::<Item>().with(201), create);
    api.add(
        api::put("/v1/items/{item}", "Replaces an item; refused when the version is stale").takes::<ItemSent>().gives::<Item>(),
        change,
    );
    api.add(api::delete("/v1/items/{item}", "Takes an item off the menu for good").takes::<Retire>().gives::<Item>(), retire);
    api.add(
        api::put("/v1/items/{item}/availability", "Says whether an item, or one size of it, can be had")
            .takes::<Availability>()
            .gives::<Item>(),
        available,
    );
}

/// A size as staff send it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VariantSent {
    #[serde(default)]
    size: String,
    /// What it costs, in minor units of the shop's currency.
    price_minor: i64,
    /// What it takes of the stock.
    #[serde(default)]
    needs: Vec<Need>,
    #[serde(default)]
    sold_out: bool,
    /// What it takes of an option, in percent of size M.
    #[serde(default)]
    percent: i64,
}

/// An item as staff send it, whole.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ItemSent {
    /// Its short name; no other item of the shop has it.
    slug: String,
    /// `dish` or `goods`.
    kind: String,
    /// The category's short name.
    category: String,
    name: Texts,
    #[serde(default)]
    description: Texts,
    #[serde(default)]
    #[schema(value_type = Object)]
    attributes: BTreeMap<String, Value>,
    variants: Vec<VariantSent>,
    #[serde(default)]
    steps: Vec<Step>,
    /// The rate of tax, in basis points (887 is 8.87 %).
    #[serde(default)]
    tax_rate_bp: i64,
    #[serde(default = "yes")]
    available: bool,
    /// The version that was read; nothing for a new item.
    #[serde(default)]
    version: i64,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

fn yes() -> bool {
    true
}

/// A retirement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Retire {
    /// The version that was read.
    version: i64,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// Whether something can be had.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Availability {
    available: bool,
    /// One size only.
    #[serde(default)]
    size: String,
    /// The version that was read.
    version: i64,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

fn message(edge: &Edge, asked: &Asked, item_id: i64, sent: ItemSent) -> Result<(Message, String), Fault> {
    let need = |need: Need| Ok(MessageNeed { stock_id: edge.read::<StockId>(&need.stock_id)?, quantity: need.quantity });
    let variant = |variant: VariantSent| {
        Ok(MessageVariant {
            size: variant.size,
            price_minor: variant.price_minor,
            needs: variant.needs.into_iter().map(need).collect::<Result<_, Fault>>()?,
            sold_out: variant.sold_out,
            percent: variant.percent,
        })
    };
    let item = Message {
        item_id,
        shop_id: asked.shop(),
        slug: sent.slug,
        kind: sent.kind,
        category: sent.category,
        name: sent.name.into_iter().collect(),
        description: sent.description.into_iter().collect(),
        attributes: sent.attributes.into_iter().map(|(slug, value)| (slug, value.to_string())).collect(),
        variants: sent.variants.into_iter().map(variant).collect::<Result<_, Fault>>()?,
        steps: sent
            .steps
            .into_iter()
            .map(|step| MessageStep { station: step.station, seconds: step.seconds, celsius: step.celsius })
            .collect(),
        tax_rate_bp: sent.tax_rate_bp,
        available: sent.available,
        version: sent.version,
        ..Default::default()
    };
    Ok((item, sent.reason))
}

async fn edited(edge: &Edge, asked: &Asked, item: Message) -> Result<Json<Item>, Problem> {
    edge.0.menu.forget();
    let currency = ask_shop(edge, &asked.call, asked.shop()).await?.currency;
    Ok(Json(shown(edge, item, &currency, true)))
}

async fn create(State(edge): State<Edge>, asked: Asked, Sent(sent): Sent<ItemSent>) -> Result<Response, Problem> {
    let (item, reason) = message(&edge, &asked, 0, sent)?;
    let told = ask!(edge, &asked.call, catalog.create_item, CreateItemRequest { item: Some(item), reason });
    Ok((StatusCode::CREATED, edited(&edge, &asked, told).await?).into_response())
}

async fn change(State(edge): State<Edge>, asked: Asked, Path(item): Named, Sent(sent): Sent<ItemSent>) -> Reply<Item> {
    let (item, reason) = message(&edge, &asked, edge.read::<ItemId>(&item)?, sent)?;
    let told = ask!(edge, &asked.call, catalog.change_item, ChangeItemRequest { item: Some(item), reason });
    edited(&edge, &asked, told).await
}

async fn retire(State(edge): State<Edge>, asked: Asked, Path(item): Named, Sent(sent): Sent<Retire>) -> Reply<Item> {
    let message = RetireItemRequest { item_id: edge.read::<ItemId>(&item)?, version: sent.version, reason: sent.reason };
    let told = ask!(edge, &asked.call, catalog.retire_item, message);
    edited(&edge, &asked, told).await
}

async fn available(State(edge): State<Edge>, asked: Asked, Path(item): Named, Sent(sent): Sent<Availability>) -> Reply<Item> {
    let message = SetAvailabilityRequest {
        item_id: edge.read::<ItemId>(&item)?,
        version: sent.version,
        available: sent.available,
        size: sent.size,
        reason: sent.reason,
    };
    let told = ask!(edge, &asked.call, catalog.set_availability, message);
    edited(&edge, &asked, told).await
}
