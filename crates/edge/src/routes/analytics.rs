//! Figures of the shop.

use analytics_api::{CookingTimeRequest, CountEventsRequest, RebuildRequest, SeriesRequest, SummaryRequest, TopItemsRequest};
use axum::Json;
use axum::extract::State;
use base::Fault;
use catalog_api::GetShopRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{Api, get, post};
use crate::asked::{Asked, Asking};
use crate::document::Param;
use crate::shape::{Money, money};
use crate::{Edge, ask};

/// The most points of one answer, as analytics has it.
const POINTS_MAX: u32 = 2_000;
const SERIES: &[Param] = &[
    Param::words("step", "How long a point is; days and months are the shop's.", &["minute", "day", "month"]).needed(),
    Param::text("from", "The first point, such as `2015-01` for a month."),
    Param::text("to", "The last point."),
    Param::count("limit", "How many points.", 400, POINTS_MAX),
];
const TOP: &[Param] = &[
    Param::text("month", "Only of this month, such as `2015-01`; of all when it is left out."),
    Param::count("limit", "How many items.", 20, POINTS_MAX),
];
const COUNTS: &[Param] = &[Param::text("type", "Only events of this type, such as `order.paid.v1`.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("analytics");
    api.add(get("/v1/analytics/summary", "Sums up orders and revenue").gives::<Summary>(), summary);
    api.add(get("/v1/analytics/events", "Counts events by type").asks(COUNTS).gives::<EventCounts>(), counts);
    api.add(get("/v1/analytics/series", "Shows orders and revenue over time").asks(SERIES).gives::<Series>(), series);
    api.add(get("/v1/analytics/top-items", "Shows what sells best").asks(TOP).gives::<TopItems>(), top);
    api.add(get("/v1/analytics/cooking-time", "Shows how long orders were cooked").gives::<CookingTime>(), cooking);
    api.add(post("/v1/analytics/rebuild", "Computes all figures again from the events").gives::<Recounted>(), rebuild);
}

/// Everything summed up.
#[derive(Serialize, ToSchema)]
struct Summary {
    /// How many orders were placed, ever.
    orders_created: i64,
    /// How many of them were delivered.
    orders_delivered: i64,
    /// How many of them were cancelled.
    orders_cancelled: i64,
    /// Of delivered orders.
    revenue: Money,
    /// What a delivered order costs on average.
    average_order: Money,
    /// What was given back.
    refunded: Money,
    /// How many were delivered in the last full minute.
    orders_per_minute: i64,
}

/// How often a type of event was said.
#[derive(Serialize, ToSchema)]
struct EventCount {
    /// The type, such as `order.paid.v1`.
    r#type: String,
    /// How often.
    events: i64,
}

/// How often each type of event was said.
#[derive(Serialize, ToSchema)]
struct EventCounts {
    counts: Vec<EventCount>,
}

/// What happened within a minute, a day or a month.
#[derive(Serialize, ToSchema)]
struct Point {
    /// Where it begins: `2015-01` or `2015-01-31` of the shop's calendar, or a minute such as `2015-01-31T12:00Z`.
    at: String,
    /// How many were placed.
    orders: i64,
    /// How many were delivered.
    delivered: i64,
    /// How many were cancelled.
    cancelled: i64,
    /// Of delivered orders.
    revenue: Money,
}

/// Orders and revenue over time.
#[derive(Serialize, ToSchema)]
struct Series {
    points: Vec<Point>,
}

/// How much of one size of an item was sold.
#[derive(Serialize, ToSchema)]
struct TopItem {
    /// The item's short name.
    slug: String,
    size: String,
    /// How many were sold.
    quantity: i64,
    revenue: Money,
}

/// What sells best, the best first.
#[derive(Serialize, ToSchema)]
struct TopItems {
    items: Vec<TopItem>,
}

/// How many orders were cooked within a time.
#[derive(Serialize, ToSchema)]
struct CookingBucket {
    /// Cooked within so many milliseconds; none for whatever took longer than all others.
    up_to_ms: Option<i64>,
    /// How many orders.
    orders: i64,
}

/// How long orders were cooked.
#[derive(Serialize, ToSchema)]
struct CookingTime {
    /// How many were cooked.
    orders: i64,
    /// In milliseconds.
    average_ms: i64,
    /// In milliseconds.
    longest_ms: i64,
    buckets: Vec<CookingBucket>,
}

/// What was computed again.
#[derive(Serialize, ToSchema)]
struct Recounted {
    /// Of how many events.
    events: u64,
}

async fn currency(edge: &Edge, asked: &Asked) -> Result<String, Fault> {
    Ok(ask!(edge, &asked.call, catalog.get_shop, GetShopRequest { shop_id: asked.shop() }).currency)
}

async fn summary(State(edge): State<Edge>, asked: Asked) -> Reply<Summary> {
    let summary = ask!(edge, &asked.call, analytics.summary, SummaryRequest { shop_id: asked.shop() });
    // Before the first order there is no amount that would name its currency.
    let currency = if summary.currency.is_empty() { currency(&edge, &asked).await? } else { summary.currency };
    Ok(Json(Summary {
        orders_created: summary.orders_created,
        orders_delivered: summary.orders_delivered,
        orders_cancelled: summary.orders_cancelled,
        revenue: money(summary.revenue_minor, &currency),
        average_order: money(summary.average_order_minor, &currency),
        refunded: money(summary.refunded_minor, &currency),
        orders_per_minute: summary.orders_per_minute,
    }))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct CountsAsked {
    r#type: String,
}

async fn counts(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<CountsAsked>) -> Reply<EventCounts> {
    let request = CountEventsRequest { shop_id: asked.shop(), kind: query.r#type };
    let counts = ask!(edge, &asked.call, analytics.count_events, request).counts;
    let count = |count: analytics_api::EventCount| EventCount { r#type: count.kind, events: count.events };
    Ok(Json(EventCounts { counts: counts.into_iter().map(count).collect() }))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct SeriesAsked {
    step: String,
    from: String,
    to: String,
    limit: u32,
}

async fn series(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<SeriesAsked>) -> Reply<Series> {
    let currency = currency(&edge, &asked).await?;
    let request = SeriesRequest { shop_id: asked.shop(), step: query.step, from: query.from, to: query.to, limit: query.limit };
    let series = ask!(edge, &asked.call, analytics.series, request);
    let point = |point: analytics_api::Point| Point {
        at: point.at,
        orders: point.orders,
        delivered: point.delivered,
        cancelled: point.cancelled,
        revenue: money(point.revenue_minor, &currency),
    };
    Ok(Json(Series { points: series.points.into_iter().map(point).collect() }))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct TopAsked {
    month: String,
    limit: u32,
}

async fn top(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<TopAsked>) -> Reply<TopItems> {
    let currency = currency(&edge, &asked).await?;
    let request = TopItemsRequest { shop_id: asked.shop(), month: query.month, limit: query.limit };
    let top = ask!(edge, &asked.call, analytics.top_items, request);
    let item = |item: analytics_api::TopItem| TopItem {
        slug: item.slug,
        size: item.size,
        quantity: item.quantity,
        revenue: money(item.revenue_minor, &currency),
    };
    Ok(Json(TopItems { items: top.items.into_iter().map(item).collect() }))
}

async fn cooking(State(edge): State<Edge>, asked: Asked) -> Reply<CookingTime> {
    let told = ask!(edge, &asked.call, analytics.cooking_time, CookingTimeRequest { shop_id: asked.shop() });
    let bucket = |bucket: analytics_api::Bucket| CookingBucket {
        up_to_ms: Some(bucket.up_to_ms).filter(|up_to| *up_to != i64::MAX),
        orders: bucket.orders,
    };
    Ok(Json(CookingTime {
        orders: told.orders,
        average_ms: told.average_ms,
        longest_ms: told.longest_ms,
        buckets: told.buckets.into_iter().map(bucket).collect(),
    }))
}

async fn rebuild(State(edge): State<Edge>, asked: Asked) -> Reply<Recounted> {
    let rebuilt = ask!(edge, &asked.call, analytics.rebuild, RebuildRequest { shop_id: asked.shop() });
    Ok(Json(Recounted { events: rebuilt.events }))
}
