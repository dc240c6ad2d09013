//! Figures of the shop.

use analytics_api::{CookingTimeRequest, CountEventsRequest, RebuildRequest, SeriesRequest, SummaryRequest, TopItemsRequest};
use axum::Json;
use axum::extract::State;
use catalog_api::GetShopRequest;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Answer;
use crate::api::{Api, get, post};
use crate::asked::{Asked, Asking};
use crate::shape::money;
use crate::{Edge, ask};

const SERIES: &[(&str, &str)] = &[
    ("step", "`minute`, `day` or `month`; days and months are the shop's."),
    ("from", "The first point."),
    ("to", "The last point."),
    ("limit", "How many points."),
];
const TOP: &[(&str, &str)] = &[("month", "Such as 2015-01; all months when empty."), ("limit", "How many items.")];

pub(crate) fn add(api: &mut Api) {
    api.chapter("analytics");
    api.add(get("/v1/analytics/summary", "Orders, revenue, average."), summary);
    api.add(get("/v1/analytics/events", "Counts of events by type.").asks(&[("type", "Only this type.")]), counts);
    api.add(get("/v1/analytics/series", "Orders and revenue over time.").asks(SERIES), series);
    api.add(get("/v1/analytics/top-items", "What sells best.").asks(TOP), top);
    api.add(get("/v1/analytics/cooking-time", "How long orders were cooked."), cooking);
    api.add(post("/v1/analytics/rebuild", "Computes all figures again from the events."), rebuild);
}

async fn summary(State(edge): State<Edge>, asked: Asked) -> Answer {
    let summary = ask!(edge, &asked.call, analytics.summary, SummaryRequest { shop_id: asked.shop() });
    let amount = |minor: i64| money(minor, &summary.currency);
    Ok(Json(json!({
        "orders_created": summary.orders_created, "orders_delivered": summary.orders_delivered, "orders_cancelled": summary.orders_cancelled,
        "revenue": amount(summary.revenue_minor), "average_order": amount(summary.average_order_minor), "refunded": amount(summary.refunded_minor),
        "orders_per_minute": summary.orders_per_minute,
    })))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct CountsAsked {
    r#type: String,
}

async fn counts(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<CountsAsked>) -> Answer {
    let counts =
        ask!(edge, &asked.call, analytics.count_events, CountEventsRequest { shop_id: asked.shop(), kind: query.r#type });
    Ok(Json(
        json!({ "counts": counts.counts.iter().map(|count| json!({ "type": count.kind, "events": count.events })).collect::<Vec<_>>() }),
    ))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct SeriesAsked {
    step: String,
    from: String,
    to: String,
    limit: u32,
}

async fn series(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<SeriesAsked>) -> Answer {
    let currency = ask!(edge, &asked.call, catalog.get_shop, GetShopRequest { shop_id: asked.shop() }).currency;
    let request = SeriesRequest { shop_id: asked.shop(), step: query.step, from: query.from, to: query.to, limit: query.limit };
    let series = ask!(edge, &asked.call, analytics.series, request);
    let points: Vec<Value> = series
        .points
        .iter()
        .map(|point| json!({ "at": point.at, "orders": point.orders, "delivered": point.delivered, "cancelled": point.cancelled, "revenue": money(point.revenue_minor, &currency) }))
        .collect();
    Ok(Json(json!({ "points": points })))
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct TopAsked {
    month: String,
    limit: u32,
}

async fn top(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<TopAsked>) -> Answer {
    let currency = ask!(edge, &asked.call, catalog.get_shop, GetShopRequest { shop_id: asked.shop() }).currency;
    let top = ask!(
        edge,
        &asked.call,
        analytics.top_items,
        TopItemsRequest { shop_id: asked.shop(), month: query.month, limit: query.limit }
    );
    let items: Vec<Value> =
        top.items.iter().map(|item| json!({ "slug": item.slug, "size": item.size, "quantity": item.quantity, "revenue": money(item.revenue_minor, &currency) })).collect();
    Ok(Json(json!({ "items": items })))
}

async fn cooking(State(edge): State<Edge>, asked: Asked) -> Answer {
    let cooking = ask!(edge, &asked.call, analytics.cooking_time, CookingTimeRequest { shop_id: asked.shop() });
    let buckets: Vec<Value> =
        cooking.buckets.iter().map(|bucket| json!({ "up_to_ms": bucket.up_to_ms, "orders": bucket.orders })).collect();
    Ok(Json(
        json!({ "orders": cooking.orders, "average_ms": cooking.average_ms, "longest_ms": cooking.longest_ms, "buckets": buckets }),
    ))
}

async fn rebuild(State(edge): State<Edge>, asked: Asked) -> Answer {
    let rebuilt = ask!(edge, &asked.call, analytics.rebuild, RebuildRequest { shop_id: asked.shop() });
    Ok(Json(json!({ "events": rebuilt.events })))
}
