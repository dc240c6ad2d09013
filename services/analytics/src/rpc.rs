//! The contract of analytics, carried out.

use std::time::Duration;

use analytics_api as api;
use analytics_api::analytics_server::Analytics;
use base::Fault;
use base::id::ShopId;
use host::{Ctx, answer, settle};
use tonic::{Request, Response, Status};
use wire::Call;

use crate::clocks::Clocks;
use crate::domain::{Error, minute};
use crate::{rebuild, store};

/// The most points of one series: more than the minutes of a day.
const POINTS_MAX: u32 = 2_000;
const POINTS_DEFAULT: u32 = 400;
const ITEMS_DEFAULT: u32 = 20;

pub struct Rpc {
    ctx: Ctx,
    clocks: Clocks,
}

impl Rpc {
    pub fn new(ctx: Ctx, clocks: Clocks) -> Rpc {
        Rpc { ctx, clocks }
    }

    /// Checks that the caller may see the shop's figures, and gives the generation that is shown.
    async fn shown<T>(&self, request: &Request<T>, shop: i64) -> Result<i64, Fault> {
        Call::of(request)?.principal.must_serve(ShopId(shop))?;
        Ok(store::state(self.ctx.store()).await?.generation)
    }
}

fn rows(limit: u32, otherwise: u32) -> Result<u32, Fault> {
    match limit {
        0 => Ok(otherwise),
        limit if limit <= POINTS_MAX => Ok(limit),
        _ => Err(Fault::invalid("page_too_large", "These are too many rows at once.").with("rows_max", POINTS_MAX)),
    }
}

#[tonic::async_trait]
impl Analytics for Rpc {
    async fn summary(&self, request: Request<api::SummaryRequest>) -> Result<Response<api::SummaryAnswer>, Status> {
        answer(async {
            let shop = ShopId(request.get_ref().shop_id);
            let generation = self.shown(&request, shop.0).await?;
            let store = self.ctx.store();
            let all = store::series(store, generation, shop, "all", "", "", 1)
                .await?
                .first()
                .map(|(_, sums)| *sums)
                .unwrap_or_default();
            let last = minute(self.ctx.now() - Duration::from_secs(60));
            let door = store::series(store, generation, shop, "door", &last, &last, 1).await?;
            let currency = store::shop(store, shop).await?.map_or_else(String::new, |(_, currency)| currency);
            // Rounded half up; revenue of delivered orders is never below zero.
            let average = if all.delivered == 0 { 0 } else { (all.revenue_minor + all.delivered / 2) / all.delivered };
            Ok(api::SummaryAnswer {
                orders_created: all.orders,
                orders_delivered: all.delivered,
                orders_cancelled: all.cancelled,
                revenue_minor: all.revenue_minor,
                average_order_minor: average,
                currency,
                refunded_minor: all.refunded_minor,
                orders_per_minute: door.first().map_or(0, |(_, sums)| sums.delivered),
            })
        })
        .await
    }

    async fn count_events(&self, request: Request<api::CountEventsRequest>) -> Result<Response<api::EventCounts>, Status> {
        answer(async {
            let asked = request.get_ref();
            let generation = self.shown(&request, asked.shop_id).await?;
            let counts = store::counts(self.ctx.store(), generation, ShopId(asked.shop_id)).await?;
            let wanted = counts.into_iter().filter(|(kind, _)| asked.kind.is_empty() || *kind == asked.kind);
            Ok(api::EventCounts { counts: wanted.map(|(kind, events)| api::EventCount { kind, events }).collect() })
        })
        .await
    }

    async fn series(&self, request: Request<api::SeriesRequest>) -> Result<Response<api::SeriesAnswer>, Status> {
        answer(async {
            let asked = request.get_ref();
            let generation = self.shown(&request, asked.shop_id).await?;
            if !["minute", "day", "month"].contains(&asked.step.as_str()) {
                return Err(Error::BadStep.fault());
            }
            let limit = rows(asked.limit, POINTS_DEFAULT)?;
            let series =
                store::series(self.ctx.store(), generation, ShopId(asked.shop_id), &asked.step, &asked.from, &asked.to, limit)
                    .await?;
            let points = series.into_iter().map(|(at, sums)| api::Point {
                at,
                orders: sums.orders,
                delivered: sums.delivered,
                cancelled: sums.cancelled,
                revenue_minor: sums.revenue_minor,
            });
            Ok(api::SeriesAnswer { points: points.collect() })
        })
        .await
    }

    async fn top_items(&self, request: Request<api::TopItemsRequest>) -> Result<Response<api::TopItemsAnswer>, Status> {
        answer(async {
            let asked = request.get_ref();
            let generation = self.shown(&request, asked.shop_id).await?;
            let limit = rows(asked.limit, ITEMS_DEFAULT)?;
            let top = store::top(self.ctx.store(), generation, ShopId(asked.shop_id), &asked.month, limit).await?;
            let items =
                top.into_iter().map(|(slug, size, quantity, revenue_minor)| api::TopItem { slug, size, quantity, revenue_minor });
            Ok(api::TopItemsAnswer { items: items.collect() })
        })
        .await
    }

    async fn cooking_time(&self, request: Request<api::CookingTimeRequest>) -> Result<Response<api::CookingTimeAnswer>, Status> {
        answer(async {
            let shop = ShopId(request.get_ref().shop_id);
            let generation = self.shown(&request, shop.0).await?;
            let classes = store::cooking(self.ctx.store(), generation, shop).await?;
            let orders: i64 = classes.iter().map(|[_, orders, ..]| orders).sum();
            let total: i64 = classes.iter().map(|[_, _, total, _]| total).sum();
            Ok(api::CookingTimeAnswer {
                orders,
                average_ms: total.checked_div(orders).unwrap_or(0),
                longest_ms: classes.iter().map(|[.., longest]| *longest).max().unwrap_or(0),
                buckets: classes
                    .iter()
                    .map(|[up_to_ms, orders, ..]| api::Bucket { up_to_ms: *up_to_ms, orders: *orders })
                    .collect(),
            })
        })
        .await
    }

    /// Answers when the rebuild has begun; the old figures are shown until it has ended.
    async fn rebuild(&self, request: Request<api::RebuildRequest>) -> Result<Response<api::RebuildAnswer>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            call.principal.must_serve(ShopId(request.get_ref().shop_id))?;
            settle(self.ctx.store(), self.ctx.world(), &call, || async {
                let (change, events) = rebuild::begin(&self.ctx, &self.clocks, &call).await?;
                Ok((change, api::RebuildAnswer { events: u64::try_from(events).unwrap_or(0) }))
            })
            .await
        })
        .await
    }
}
