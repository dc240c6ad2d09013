//! Figures, for staff.

use analytics_api::{CookingTimeRequest, CountEventsRequest, RebuildRequest, SeriesRequest, SummaryRequest, TopItemsRequest};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{self, Api};
use crate::asked::{Asked, Asking, Sent};
use crate::shape::{Money, Reason, money, rows};
use crate::{Edge, ask};

pub(crate) fn add(api: &mut Api) {
    api.chapter("analytics");
    api.add(api::get("/v1/analytics/summary", "Sums everything up").gives::<Summary>(), summary);
    api.add(api::get("/v1/analytics/events", "Counts events by type").asks(&[("kind", "Only of this type.")]).gives::<EventCounts>(), counts);
    api.add(
        api::get("/v1/analytics/series", "Orders and revenue by minute, business day or month")
            .asks(&[("step", "`minute`, `day` or `month`."), ("from", "The first point."), ("to", "The last point."), ("limit", "How many points.")])
            .gives::<Series>(),
        series,
    );
    api.add(api::get("/v1/analytics/top-items", "What sells best").asks(&[("month", "Such as 2015-01."), ("limit", "How many.")]).gives::<TopItems>(), top);
    api.add(api::get("/v1/analytics/cooking-time", "How long cooking takes").gives::<CookingTime>(), cooking);
    api.add(api::post("/v1/analytics/rebuild", "Drops all figures and computes them again").takes::<Reason>().gives::<Recounted>(), rebuild);
}

/// Everything summed up.
#[derive(Serialize, ToSchema)]
struct Summary {
    orders_created: i64,
    orders_delivered: i64,
    orders_cancelled: i64,
    /// Of delivered orders.
    revenue: Money,
    average_order: Money,
    refunded: Money,
    /// Delivered in the last full minute.
    orders_per_minute: i64,
}

#[derive(Serialize, ToSchema)]
struct EventCount {
    kind: String,
    events: i64,
}

#[derive(Serialize, ToSchema)]
struct EventCounts {
    counts: Vec<EventCount>,
}

/// A minute, a day or a month.
#[derive(Serialize, ToSchema)]
struct Point {
    at: String,
    orders: i64,
    delivered: i64,
    cancelled: i64,
    revenue: Money,
}

#[derive(Serialize, ToSchema)]
struct Series {
    points: Vec<Point>,
}

#[derive(Serialize, ToSchema)]
struct TopItem {
    item: String,
    size: String,
    quantity: i64,
    revenue: Money,
}

#[derive(Serialize, ToSchema)]
struct TopItems {
    items: Vec<TopItem>,
}

#[derive(Serialize, ToSchema)]
struct Bucket {
    up_to_ms: i64,
    orders: i64,
}

#[derive(Serialize, ToSchema)]
struct CookingTime {
    orders: i64,
    average_ms: i64,
    longest_ms: i64,
    buckets: Vec<Bucket>,
}

#[derive(Serialize, ToSchema)]
struct Recounted {
    events: u64,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct FiguresAsked {
    kind: String,
    step: String,
    from: String,
    to: String,
    month: String,
    limit: u32,
}

async fn currency(edge: &Edge, asked: &Asked) -> Result<String, base::Fault> {
    Ok(ask!(edge, &asked.call, catalog.get_shop, catalog_api::GetShopRequest { shop_id: asked.shop() }).currency)
}

async fn summary(State(edge): State<Edge>, asked: Asked) -> Reply<Summary> {
    let told = ask!(edge, &asked.call, analytics.summary, SummaryRequest { shop_id: asked.shop() });
    let currency = if told.currency.is_empty() { currency(&edge, &asked).await? } else { told.currency };
    Ok(Json(Summary {
        orders_created: told.orders_created,
        orders_delivered: told.orders_delivered,
        orders_cancelled: told.orders_cancelled,
        revenue: money(told.revenue_minor, &currency),
        average_order: money(told.average_order_minor, &currency),
        refunded: money(told.refunded_minor, &currency),
        orders_per_minute: told.orders_per_minute,
    }))
}

async fn counts(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<FiguresAsked>) -> Reply<EventCounts> {
    let told = ask!(edge, &asked.call, analytics.count_events, CountEventsRequest { shop_id: asked.shop(), kind: query.kind });
    Ok(Json(EventCounts { counts: told.counts.into_iter().map(|count| EventCount { kind: count.kind, events: count.events }).collect() }))
}

async fn series(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<FiguresAsked>) -> Reply<Series> {
    let step = if query.step.is_empty() { "day".to_owned() } else { query.step };
    let message = SeriesRequest { shop_id: asked.shop(), step, from: query.from, to: query.to, limit: rows(query.limit)? };
    let told = ask!(edge, &asked.call, analytics.series, message);
    let currency = currency(&edge, &asked).await?;
    let point = |point: analytics_api::Point| Point {
        at: point.at,
        orders: point.orders,
        delivered: point.delivered,
        cancelled: point.cancelled,
        revenue: money(point.revenue_minor, &currency),
    };
    Ok(Json(Series { points: told.points.into_iter().map(point).collect() }))
}

async fn top(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<FiguresAsked>) -> Reply<TopItems> {
    let message = TopItemsRequest { shop_id: asked.shop(), month: query.month, limit: rows(query.limit)? };
    let told = ask!(edge, &asked.call, analytics.top_items, message);
    let currency = currency(&edge, &asked).await?;
    let item = |item: analytics_api::TopItem| TopItem { item: item.slug, size: item.size, quantity: item.quantity, revenue: money(item.revenue_minor, &currency) };
    Ok(Json(TopItems { items: told.items.into_iter().map(item).collect() }))
}

async fn cooking(State(edge): State<Edge>, asked: Asked) -> Reply<CookingTime> {
    let told = ask!(edge, &asked.call, analytics.cooking_time, CookingTimeRequest { shop_id: asked.shop() });
    let buckets = told.buckets.into_iter().map(|bucket| Bucket { up_to_ms: bucket.up_to_ms, orders: bucket.orders });
    Ok(Json(CookingTime { orders: told.orders, average_ms: told.average_ms, longest_ms: told.longest_ms, buckets: buckets.collect() }))
}

async fn rebuild(State(edge): State<Edge>, asked: Asked, Sent(_): Sent<Reason>) -> Reply<Recounted> {
    let told = ask!(edge, &asked.call, analytics.rebuild, RebuildRequest { shop_id: asked.shop() });
    Ok(Json(Recounted { events: told.events }))
}
