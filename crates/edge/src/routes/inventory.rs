//! Stock, for staff.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use base::id::{OrderId, StockId};
use http::StatusCode;
use inventory_api::{
    AddItemRequest, CheckLedgerRequest, EditRequest, GetLevelRequest, Level as Message, ListLevelsRequest, ListMovementsRequest,
    Receipt as MessageReceipt, ReceiveManyRequest,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{self, Api};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::document::{AFTER, LIMIT, PAGE, Param};
use crate::problem::Problem;
use crate::shape::{PageAsked, Texts, Time, rows, time};
use crate::{Edge, ask};

const LIST: &[Param] = &[Param::flag("low", "`true` for what runs low only."), AFTER, LIMIT];

pub(crate) fn add(api: &mut Api) {
    api.chapter("stock");
    api.add(api::get("/v1/stock", "Lists levels").asks(LIST).gives::<LevelPage>(), list);
    api.add(api::post("/v1/stock", "Adds a thing to keep in stock").takes::<NewStock>().gives::<Level>().with(201), create);
    api.add(api::get("/v1/stock/check", "Computes the levels from the ledger and compares").gives::<LedgerCheck>(), check);
    api.add(
        api::post("/v1/stock/receipts", "Receives many things in one commit").takes::<Receipts>().gives::<LevelPage>(),
        receive_many,
    );
    api.add(api::get("/v1/stock/{stock}", "Shows a level, by id or by short name").gives::<Level>(), show);
    api.add(api::post("/v1/stock/{stock}/receive", "Receives units").takes::<Edit>().gives::<Level>(), receive);
    api.add(
        api::post("/v1/stock/{stock}/count", "Corrects what is available to what was counted").takes::<Edit>().gives::<Level>(),
        count,
    );
    api.add(api::post("/v1/stock/{stock}/waste", "Throws units away").takes::<Edit>().gives::<Level>(), waste);
    api.add(
        api::get("/v1/stock/{stock}/movements", "Lists the movements of a thing").asks(PAGE).gives::<MovementPage>(),
        movements,
    );
}

/// How much of a thing there is.
#[derive(Serialize, ToSchema)]
struct Level {
    /// Its id: `stk_…`.
    stock_id: String,
    /// Its short name.
    slug: String,
    name: Texts,
    /// In what it is counted: `g`, `ml` or `pcs`.
    unit: String,
    /// What can be sold, in units, as all that follow.
    available: i64,
    /// What orders have set aside.
    reserved: i64,
    /// What orders have used up, ever.
    consumed: i64,
    /// What came in, ever.
    received: i64,
    /// What counting has added or taken away, ever.
    corrected: i64,
    /// What was thrown away, ever.
    wasted: i64,
    /// At how many available units it runs low.
    low_at: i64,
    /// Whether it runs low.
    low: bool,
    /// Grows with every change; an edit names the one it has seen.
    version: i64,
}

/// A page of levels.
#[derive(Serialize, ToSchema)]
struct LevelPage {
    levels: Vec<Level>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

/// A thing to keep in stock.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewStock {
    /// Its short name; no other thing of the shop has it.
    slug: String,
    name: Texts,
    /// In what it is counted: `g`, `ml` or `pcs`.
    unit: String,
    /// At how many available units it runs low.
    #[serde(default)]
    low_at: i64,
    /// How many units there are already.
    #[serde(default)]
    initial: i64,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// An edit of a level; 0 as the version means whatever it is now, for a receipt.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Edit {
    /// How many units.
    quantity: i64,
    /// The version that was read.
    #[serde(default)]
    version: i64,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// How much of one thing came in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Receipt {
    /// The thing's short name.
    slug: String,
    /// How many units.
    quantity: i64,
}

/// What came in at once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Receipts {
    receipts: Vec<Receipt>,
    /// Why; it is kept with the act.
    #[serde(default)]
    #[schema(max_length = 1000)]
    reason: String,
}

/// How much of one thing was moved.
#[derive(Serialize, ToSchema)]
struct Moved {
    /// The thing's id: `stk_…`.
    stock_id: String,
    /// How many units; negative for what a count took away.
    quantity: i64,
}

/// A movement of the ledger.
#[derive(Serialize, ToSchema)]
struct Movement {
    /// What happened, such as `receive`, `reserve` or `consume`.
    kind: String,
    moved: Vec<Moved>,
    /// The order for which it was moved: `ord_…`.
    order_id: Option<String>,
    at: Option<Time>,
    /// Who moved it.
    principal: String,
    /// Why.
    reason: String,
}

/// A page of movements.
#[derive(Serialize, ToSchema)]
struct MovementPage {
    movements: Vec<Movement>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

/// A level that its movements do not explain.
#[derive(Serialize, ToSchema)]
struct Difference {
    /// The thing's id: `stk_…`.
    stock_id: String,
    /// Which of its figures.
    column: String,
    /// What is kept, in units.
    kept: i64,
    /// What the movements add up to, in units.
    computed: i64,
}

/// What the ledger says about the levels.
#[derive(Serialize, ToSchema)]
struct LedgerCheck {
    /// Where the two differ; nowhere when all is well.
    differences: Vec<Difference>,
    /// How many movements were added up.
    movements: i64,
}

fn shown(edge: &Edge, level: Message) -> Level {
    Level {
        stock_id: edge.id::<StockId>(level.stock_id),
        slug: level.slug,
        name: level.name.into_iter().collect(),
        unit: level.unit,
        available: level.available,
        reserved: level.reserved,
        consumed: level.consumed,
        received: level.received,
        corrected: level.corrected,
        wasted: level.wasted,
        low_at: level.low_at,
        low: level.low,
        version: level.version,
    }
}

fn page(edge: &Edge, page: inventory_api::LevelPage) -> LevelPage {
    let next = edge.next(&page.next);
    LevelPage { levels: page.levels.into_iter().map(|level| shown(edge, level)).collect(), next }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListAsked {
    #[serde(default)]
    low: bool,
    #[serde(default)]
    after: String,
    #[serde(default)]
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<ListAsked>) -> Reply<LevelPage> {
    let message = ListLevelsRequest {
        shop_id: asked.shop(),
        low_only: query.low,
        after: edge.after(&query.after)?,
        limit: rows(query.limit)?,
    };
    Ok(Json(page(&edge, ask!(edge, &asked.call, inventory.list_levels, message))))
}

async fn show(State(edge): State<Edge>, asked: Asked, Path(stock): Named) -> Reply<Level> {
    let message = match edge.read::<StockId>(&stock) {
        Ok(stock_id) => GetLevelRequest { stock_id, shop_id: asked.shop(), ..Default::default() },
        Err(_) => GetLevelRequest { slug: stock, shop_id: asked.shop(), ..Default::default() },
    };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, inventory.get_level, message))))
}

async fn create(State(edge): State<Edge>, asked: Asked, Sent(new): Sent<NewStock>) -> Result<Response, Problem> {
    let message = AddItemRequest {
        shop_id: asked.shop(),
        slug: new.slug,
        name: new.name.into_iter().collect(),
        unit: new.unit,
        low_at: new.low_at,
        initial: new.initial,
        reason: new.reason,
    };
    let told = ask!(edge, &asked.call, inventory.add_item, message);
    Ok((StatusCode::CREATED, Json(shown(&edge, told))).into_response())
}

fn edit(edge: &Edge, stock: &str, edit: Edit) -> Result<EditRequest, base::Fault> {
    Ok(EditRequest {
        stock_id: edge.read::<StockId>(stock)?,
        quantity: edit.quantity,
        version: edit.version,
        reason: edit.reason,
    })
}

async fn receive(State(edge): State<Edge>, asked: Asked, Path(stock): Named, Sent(body): Sent<Edit>) -> Reply<Level> {
    let message = edit(&edge, &stock, body)?;
    Ok(Json(shown(&edge, ask!(edge, &asked.call, inventory.receive, message))))
}

async fn count(State(edge): State<Edge>, asked: Asked, Path(stock): Named, Sent(body): Sent<Edit>) -> Reply<Level> {
    let message = edit(&edge, &stock, body)?;
    Ok(Json(shown(&edge, ask!(edge, &asked.call, inventory.count, message))))
}

async fn waste(State(edge): State<Edge>, asked: Asked, Path(stock): Named, Sent(body): Sent<Edit>) -> Reply<Level> {
    let message = edit(&edge, &stock, body)?;
    Ok(Json(shown(&edge, ask!(edge, &asked.call, inventory.waste, message))))
}

async fn receive_many(State(edge): State<Edge>, asked: Asked, Sent(body): Sent<Receipts>) -> Reply<LevelPage> {
    let receipts =
        body.receipts.into_iter().map(|receipt| MessageReceipt { slug: receipt.slug, quantity: receipt.quantity }).collect();
    let message = ReceiveManyRequest { shop_id: asked.shop(), receipts, reason: body.reason };
    Ok(Json(page(&edge, ask!(edge, &asked.call, inventory.receive_many, message))))
}

async fn movements(
    State(edge): State<Edge>,
    asked: Asked,
    Path(stock): Named,
    Asking(query): Asking<PageAsked>,
) -> Reply<MovementPage> {
    let message = ListMovementsRequest {
        shop_id: asked.shop(),
        stock_id: edge.read::<StockId>(&stock)?,
        order_id: 0,
        after: edge.after(&query.after)?,
        limit: rows(query.limit)?,
    };
    let told = ask!(edge, &asked.call, inventory.list_movements, message);
    let moved = |need: inventory_api::Need| Moved { stock_id: edge.id::<StockId>(need.stock_id), quantity: need.quantity };
    let movement = |movement: inventory_api::Movement| Movement {
        kind: movement.kind,
        moved: movement.needs.into_iter().map(moved).collect(),
        order_id: edge.show::<OrderId>(movement.order_id),
        at: time(movement.at),
        principal: movement.principal,
        reason: movement.reason,
    };
    let next = edge.next(&told.next);
    Ok(Json(MovementPage { movements: told.movements.into_iter().map(movement).collect(), next }))
}

async fn check(State(edge): State<Edge>, asked: Asked) -> Reply<LedgerCheck> {
    let told = ask!(edge, &asked.call, inventory.check_ledger, CheckLedgerRequest { shop_id: asked.shop() });
    let difference = |found: inventory_api::Difference| Difference {
        stock_id: edge.id::<StockId>(found.stock_id),
        column: found.column,
        kept: found.kept,
        computed: found.computed,
    };
    Ok(Json(LedgerCheck { differences: told.differences.into_iter().map(difference).collect(), movements: told.movements }))
}
