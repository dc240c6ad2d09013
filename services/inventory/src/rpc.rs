//! The contract of inventory, carried out.

use base::Fault;
use base::id::{OrderId, ShopId, StockId};
use base::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use host::{Ctx, answer, settle};
use inventory_api as api;
use inventory_api::inventory_server::Inventory;
use tonic::{Request, Response, Status};
use wire::Call;

use crate::domain::Edit;
use crate::store::by_movement;
use crate::{edits, shown, store};

/// How many movements are looked at to find those of one thing.
const LOOKED_AT_MAX: u32 = 1_000;

pub struct Rpc {
    ctx: Ctx,
}

impl Rpc {
    pub fn new(ctx: Ctx) -> Rpc {
        Rpc { ctx }
    }

    async fn edit(&self, request: Request<api::EditRequest>, kind: fn(i64) -> Edit) -> Result<Response<api::Level>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            edits::must_be_staff(&call.principal)?;
            let asked = request.get_ref();
            settle(self.ctx.store(), self.ctx.world(), &call, || edits::edit_one(&self.ctx, &call, asked, kind)).await
        })
        .await
    }
}

/// Gives how many rows a page has; more than the limit is refused rather than cut.
fn rows(limit: u32) -> Result<u32, Fault> {
    match limit {
        0 => Ok(PAGE_ROWS_DEFAULT),
        limit if limit <= PAGE_ROWS_MAX => Ok(limit),
        _ => Err(Fault::invalid("page_too_large", "A page has at most 200 rows.").with("rows_max", PAGE_ROWS_MAX)),
    }
}

#[tonic::async_trait]
impl Inventory for Rpc {
    async fn add_item(&self, request: Request<api::AddItemRequest>) -> Result<Response<api::Level>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            call.principal.must_serve(ShopId(asked.shop_id))?;
            settle(self.ctx.store(), self.ctx.world(), &call, || edits::add_item(&self.ctx, &call, asked)).await
        })
        .await
    }

    async fn get_level(&self, request: Request<api::GetLevelRequest>) -> Result<Response<api::Level>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            let level = match asked.stock_id {
                0 => store::level_by_slug(self.ctx.store(), ShopId(asked.shop_id), &asked.slug).await?,
                id => store::level(self.ctx.store(), StockId(id)).await?,
            };
            Ok(shown::level(&edits::found(&call, level)?))
        })
        .await
    }

    async fn list_levels(&self, request: Request<api::ListLevelsRequest>) -> Result<Response<api::LevelPage>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            call.principal.must_serve(ShopId(asked.shop_id))?;
            let limit = rows(asked.limit)?;
            let mut levels =
                store::levels(self.ctx.store(), ShopId(asked.shop_id), asked.low_only, &asked.after, limit + 1).await?;
            let more = levels.len() > limit as usize;
            levels.truncate(limit as usize);
            let next = levels.last().filter(|_| more).map_or_else(String::new, |last| last.level.slug.clone());
            Ok(api::LevelPage { levels: levels.iter().map(shown::level).collect(), next })
        })
        .await
    }

    async fn receive(&self, request: Request<api::EditRequest>) -> Result<Response<api::Level>, Status> {
        self.edit(request, Edit::Receive).await
    }

    async fn count(&self, request: Request<api::EditRequest>) -> Result<Response<api::Level>, Status> {
        self.edit(request, Edit::Count).await
    }

    async fn waste(&self, request: Request<api::EditRequest>) -> Result<Response<api::Level>, Status> {
        self.edit(request, Edit::Waste).await
    }

    async fn receive_many(&self, request: Request<api::ReceiveManyRequest>) -> Result<Response<api::LevelPage>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            settle(self.ctx.store(), self.ctx.world(), &call, || edits::receive_many(&self.ctx, &call, asked)).await
        })
        .await
    }

    async fn reserve(&self, request: Request<api::ReserveRequest>) -> Result<Response<api::Reservation>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            settle(self.ctx.store(), self.ctx.world(), &call, || edits::reserve(&self.ctx, &call, asked)).await
        })
        .await
    }

    async fn release(&self, request: Request<api::ReservationRequest>) -> Result<Response<api::Reservation>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            settle(self.ctx.store(), self.ctx.world(), &call, || edits::release(&self.ctx, &call, asked)).await
        })
        .await
    }

    async fn get_reservation(&self, request: Request<api::ReservationRequest>) -> Result<Response<api::Reservation>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            Ok(shown::reservation(&edits::reservation(&self.ctx, &call, request.get_ref()).await?))
        })
        .await
    }

    /// A page of one thing may be short, or empty, while `next` says that there is more to look at.
    async fn list_movements(&self, request: Request<api::ListMovementsRequest>) -> Result<Response<api::MovementPage>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            let shop = ShopId(asked.shop_id);
            call.principal.must_serve(shop)?;
            let limit = rows(asked.limit)? as usize;
            let bad = || Fault::invalid("bad_page", "This is not the mark of a page.");
            let before = if asked.after.is_empty() { i64::MAX } else { asked.after.parse().map_err(|_| bad())? };
            let order = Some(OrderId(asked.order_id)).filter(|order| order.0 != 0);
            let stock = Some(StockId(asked.stock_id)).filter(|stock| stock.0 != 0);
            let looked_at = if stock.is_some() { LOOKED_AT_MAX } else { limit as u32 };
            let all = by_movement(self.ctx.store(), shop, order, before, looked_at).await?;
            let mut last = all.last().filter(|_| all.len() == looked_at as usize && order.is_none()).map(|movement| movement.id);
            let mut movements: Vec<_> =
                all.iter().filter(|movement| stock.is_none_or(|stock| movement.needs.contains_key(&stock))).collect();
            if movements.len() > limit {
                movements.truncate(limit);
                last = movements.last().map(|movement| movement.id);
            }
            let movements = movements.into_iter().map(shown::movement).collect();
            Ok(api::MovementPage { movements, next: last.map_or_else(String::new, |id| id.to_string()) })
        })
        .await
    }

    async fn check_ledger(&self, request: Request<api::CheckLedgerRequest>) -> Result<Response<api::CheckLedgerAnswer>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let shop = ShopId(request.get_ref().shop_id);
            call.principal.must_serve(shop)?;
            let tally = store::tally_of_all(self.ctx.store(), shop).await?;
            let differences = tally.differences().into_iter().map(|(stock_id, column, kept, computed)| api::Difference {
                stock_id: stock_id.0,
                column: column.to_owned(),
                kept,
                computed,
            });
            Ok(api::CheckLedgerAnswer { differences: differences.collect(), movements: tally.movements })
        })
        .await
    }
}
