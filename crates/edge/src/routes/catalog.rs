//! The shop, its menu, its items and categories, as anyone reads them.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use base::Fault;
use base::id::{ItemId, ShopId, StockId};
use bytes::Bytes;
use catalog_api::{
    GetItemRequest, GetShopRequest, Item as Message, ListCategoriesRequest, ListItemsRequest, ListOptionsRequest,
    Need as MessageNeed, Shop as MessageShop, Step as MessageStep, Variant as MessageVariant,
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use wire::Call;

use super::Reply;
use crate::api::{self, Api, Who};
use crate::asked::{Asked, Asking, Named};
use crate::dialects::pizza;
use crate::document::{AFTER, LIMIT, Param};
use crate::problem::Problem;
use crate::shape::{Money, Texts, Time, money, rows, time};
use crate::{Edge, ask, menu};

const LIST: &[Param] = &[
    Param::text("category", "Only of this category, by its short name."),
    Param::minor("min", "The lowest price, in minor units."),
    Param::minor("max", "The highest price, in minor units; 0 for any."),
    Param::text("text", "Words to find, in any language."),
    Param::words("sort", "In which order; `-` for falling.", &["name", "-name", "price", "-price", "newest"]),
    Param::text("language", "The language to sort names in, such as `en`."),
    AFTER,
    LIMIT,
    Param::flag("retired", "`true` to see retired items too."),
];

pub(crate) fn add(api: &mut Api) {
    api.chapter("catalog");
    api.add(api::get("/v1/shop", "Tells about the shop").open_to(Who::Anyone).gives::<Shop>(), shop);
    api.add(api::get("/v1/shops/{shop}", "Tells about a shop").open_to(Who::Anyone).gives::<Shop>(), shop_of);
    api.add(api::get("/v1/menu", "Gives the whole menu").open_to(Who::Anyone).gives::<Menu>().tagged(), whole);
    api.add(api::get("/v1/categories", "Lists the categories").open_to(Who::Anyone).gives::<CategoryList>(), categories);
    api.add(
        api::get("/v1/items", "Lists items: filtered, sorted, by pages").open_to(Who::Anyone).asks(LIST).gives::<ItemPage>(),
        items,
    );
    api.add(api::get("/v1/items/{item}", "Shows an item, by id or by short name").open_to(Who::Anyone).gives::<Item>(), item);
}

/// A span of a day, in minutes after midnight of the shop.
#[derive(Serialize, ToSchema)]
struct Span {
    /// When it begins, in minutes after midnight.
    opens_minute: i32,
    /// When it ends, in minutes after midnight; beyond 1440 it ends on the next day.
    closes_minute: i32,
}

/// A shop.
#[derive(Serialize, ToSchema)]
pub(crate) struct Shop {
    /// Its id: `shp_…`.
    shop_id: String,
    /// Its short name.
    slug: String,
    name: Texts,
    /// By its name, such as `Europe/Berlin`.
    time_zone: String,
    /// The code (ISO 4217) of the currency in which it sells.
    currency: String,
    /// The languages of its menu, such as `en`.
    languages: Vec<String>,
    /// The usual rate of tax, in basis points (887 is 8.87 %).
    tax_rate_bp: i64,
    /// Whether prices contain the tax.
    tax_included: bool,
    delivery_fee: Money,
    /// Monday first; empty means always open.
    opening: Vec<Vec<Span>>,
    /// Grows with every change; an edit names the one it has seen.
    version: i64,
}

/// What a size takes of a thing in stock.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Need {
    /// The thing's id: `stk_…`.
    pub(super) stock_id: String,
    /// How many units of it.
    pub(super) quantity: i64,
}

/// A step of a recipe.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// The kind of station that it needs, such as `oven`.
    pub(super) station: String,
    /// How long it takes, in seconds.
    pub(super) seconds: i64,
    /// How hot, in degrees Celsius; 0 where heat plays no part.
    #[serde(default)]
    pub(super) celsius: i32,
}

/// A size of an item and its price.
#[derive(Serialize, ToSchema)]
struct Variant {
    size: String,
    price: Money,
    sold_out: bool,
    /// What it takes of the stock; staff alone are told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    needs: Vec<Need>,
    /// What it takes of an option, in percent of size M; staff alone are told, to send it back with an edit.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<i64>,
}

/// A thing on the menu. Recipes are shown to staff.
#[derive(Serialize, ToSchema)]
pub(crate) struct Item {
    /// Its id: `itm_…`.
    item_id: String,
    /// Its short name.
    slug: String,
    /// `dish` or `goods`.
    kind: String,
    /// The category's short name.
    category: String,
    name: Texts,
    description: Texts,
    /// By the short names that its category has for them.
    #[schema(value_type = Object)]
    attributes: BTreeMap<String, Value>,
    variants: Vec<Variant>,
    /// The lowest price of its sizes.
    from: Money,
    /// The recipe; staff alone are told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<Step>,
    /// The rate of tax, in basis points (887 is 8.87 %).
    tax_rate_bp: i64,
    /// Whether it can be had now.
    available: bool,
    /// Whether it was taken off the menu for good.
    retired: bool,
    /// Grows with every change; an edit names the one it has seen.
    version: i64,
    changed_at: Option<Time>,
}

/// A page of items.
#[derive(Serialize, ToSchema)]
struct ItemPage {
    items: Vec<Item>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

/// An attribute that the items of a category have.
#[derive(Serialize, ToSchema)]
struct Attribute {
    /// Its short name.
    slug: String,
    /// What its values are.
    kind: String,
    name: Texts,
    /// What may be chosen: by its short name, a text by language.
    choices: BTreeMap<String, Texts>,
}

/// A category.
#[derive(Serialize, ToSchema)]
struct Category {
    slug: String,
    kind: String,
    name: Texts,
    attributes: Vec<Attribute>,
}

/// The categories of the menu.
#[derive(Serialize, ToSchema)]
struct CategoryList {
    categories: Vec<Category>,
}

/// Something that can be added to a dish.
#[derive(Serialize, ToSchema)]
struct Extra {
    slug: String,
    name: Texts,
    price: Money,
    categories: Vec<String>,
}

/// The whole menu.
#[derive(Serialize, ToSchema)]
struct Menu {
    shop: Shop,
    categories: Vec<Category>,
    options: Vec<Extra>,
    items: Vec<Item>,
}

fn shown_shop(edge: &Edge, shop: MessageShop) -> Shop {
    let span = |span: catalog_api::Interval| Span { opens_minute: span.opens_minute, closes_minute: span.closes_minute };
    Shop {
        shop_id: edge.id::<ShopId>(shop.shop_id),
        delivery_fee: money(shop.delivery_fee_minor, &shop.currency),
        slug: shop.slug,
        name: shop.name.into_iter().collect(),
        time_zone: shop.time_zone,
        currency: shop.currency,
        languages: shop.languages,
        tax_rate_bp: shop.tax_rate_bp,
        tax_included: shop.tax_included,
        opening: shop.opening.into_iter().map(|day| day.intervals.into_iter().map(span).collect()).collect(),
        version: shop.version,
    }
}

pub(super) fn shown(edge: &Edge, item: Message, currency: &str, staff: bool) -> Item {
    let need = |need: MessageNeed| Need { stock_id: edge.id::<StockId>(need.stock_id), quantity: need.quantity };
    let variant = |variant: MessageVariant| Variant {
        size: variant.size,
        price: money(variant.price_minor, currency),
        sold_out: variant.sold_out,
        needs: if staff { variant.needs.into_iter().map(need).collect() } else { Vec::new() },
        percent: staff.then_some(variant.percent),
    };
    let step = |step: MessageStep| Step { station: step.station, seconds: step.seconds, celsius: step.celsius };
    Item {
        item_id: edge.id::<ItemId>(item.item_id),
        slug: item.slug,
        kind: item.kind,
        category: item.category,
        name: item.name.into_iter().collect(),
        description: item.description.into_iter().collect(),
        attributes: item
            .attributes
            .into_iter()
            .map(|(slug, json)| (slug, serde_json::from_str(&json).unwrap_or(Value::String(json))))
            .collect(),
        variants: item.variants.into_iter().map(variant).collect(),
        from: money(item.from_minor, currency),
        steps: if staff { item.steps.into_iter().map(step).collect() } else { Vec::new() },
        tax_rate_bp: item.tax_rate_bp,
        available: item.available,
        retired: item.retired,
        version: item.version,
        changed_at: time(item.changed_at),
    }
}

fn shown_category(category: catalog_api::Category) -> Category {
    let attribute = |attribute: catalog_api::Attribute| Attribute {
        slug: attribute.slug,
        kind: attribute.kind,
        name: attribute.name.into_iter().collect(),
        choices: attribute.choices.into_iter().map(|(slug, choice)| (slug, choice.name.into_iter().collect())).collect(),
    };
    Category {
        slug: category.slug,
        kind: category.kind,
        name: category.name.into_iter().collect(),
        attributes: category.attributes.into_iter().map(attribute).collect(),
    }
}

pub(super) async fn ask_shop(edge: &Edge, call: &Call, shop_id: i64) -> Result<MessageShop, Fault> {
    Ok(ask!(edge, call, catalog.get_shop, GetShopRequest { shop_id }))
}

async fn shop(State(edge): State<Edge>, asked: Asked) -> Reply<Shop> {
    Ok(Json(shown_shop(&edge, ask_shop(&edge, &asked.call, asked.shop()).await?)))
}

async fn shop_of(State(edge): State<Edge>, asked: Asked, Path(shop): Named) -> Reply<Shop> {
    let shop_id = edge.read::<ShopId>(&shop)?;
    Ok(Json(shown_shop(&edge, ask_shop(&edge, &asked.call, shop_id).await?)))
}

async fn whole(State(edge): State<Edge>, headers: HeaderMap) -> Result<Response, Problem> {
    Ok(menu::serve(&edge, &headers, false).await?)
}

/// Writes the whole menu down, in our words and in those of the pizza place.
pub(crate) async fn whole_menu(edge: &Edge) -> Result<(Bytes, Bytes), Fault> {
    let call = edge.0.ctx.call("menu");
    let shop_id = 1;
    let shop = ask_shop(edge, &call, shop_id).await?;
    let categories = ask!(edge, &call, catalog.list_categories, ListCategoriesRequest { shop_id });
    let options = ask!(edge, &call, catalog.list_options, ListOptionsRequest { shop_id });
    let (mut items, mut after) = (Vec::new(), String::new());
    loop {
        let message = ListItemsRequest {
            shop_id,
            sort: "name".to_owned(),
            language: "en".to_owned(),
            after,
            limit: base::limits::PAGE_ROWS_MAX,
            ..Default::default()
        };
        let page = ask!(edge, &call, catalog.list_items, message);
        items.extend(page.items);
        if page.next.is_empty() {
            break;
        }
        after = page.next;
    }
    let currency = shop.currency.clone();
    let pizza = pizza::menu(&items, &currency);
    let extra = |extra: catalog_api::Extra| Extra {
        slug: extra.slug,
        name: extra.name.into_iter().collect(),
        price: money(extra.price_minor, &currency),
        categories: extra.categories,
    };
    let menu = Menu {
        shop: shown_shop(edge, shop),
        categories: categories.categories.into_iter().map(shown_category).collect(),
        options: options.options.into_iter().map(extra).collect(),
        items: items.into_iter().map(|item| shown(edge, item, &currency, false)).collect(),
    };
    let own = serde_json::to_vec(&menu)
        .map_err(|error| Fault::internal("answer_unwritable", "The menu cannot be written down.").because(error))?;
    Ok((own.into(), pizza))
}

async fn categories(State(edge): State<Edge>, asked: Asked) -> Reply<CategoryList> {
    let told = ask!(edge, &asked.call, catalog.list_categories, ListCategoriesRequest { shop_id: asked.shop() });
    Ok(Json(CategoryList { categories: told.categories.into_iter().map(shown_category).collect() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct ListAsked {
    category: String,
    min: i64,
    max: i64,
    text: String,
    sort: String,
    language: String,
    after: String,
    limit: u32,
    retired: bool,
}

async fn items(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<ListAsked>) -> Reply<ItemPage> {
    let currency = ask_shop(&edge, &asked.call, asked.shop()).await?.currency;
    let message = ListItemsRequest {
        shop_id: asked.shop(),
        category: query.category,
        min_minor: query.min,
        max_minor: query.max,
        text: query.text,
        sort: query.sort,
        language: query.language,
        after: edge.after(&query.after)?,
        limit: rows(query.limit)?,
        with_retired: query.retired,
        ..Default::default()
    };
    let told = ask!(edge, &asked.call, catalog.list_items, message);
    let next = edge.next(&told.next);
    Ok(Json(ItemPage {
        items: told.items.into_iter().map(|item| shown(&edge, item, &currency, asked.is_staff())).collect(),
        next,
    }))
}

async fn item(State(edge): State<Edge>, asked: Asked, Path(item): Named) -> Reply<Item> {
    let currency = ask_shop(&edge, &asked.call, asked.shop()).await?.currency;
    let message = match edge.read::<ItemId>(&item) {
        Ok(item_id) => GetItemRequest { item_id, shop_id: asked.shop(), ..Default::default() },
        Err(_) => GetItemRequest { slug: item, shop_id: asked.shop(), ..Default::default() },
    };
    let told = ask!(edge, &asked.call, catalog.get_item, message);
    Ok(Json(shown(&edge, told, &currency, asked.is_staff())))
}
