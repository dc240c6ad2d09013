//! Inventory from outside: its contract over the wire, and what it makes of events that come twice, late, or over a crash.

mod contract;
mod hot;
mod reactions;

use base::id::{ItemId, OrderId, ShopId, StockId};
use base::{Currency, Principal, Timestamp};
use host::testing::{Platform, staff};
use inventory_api as api;
use inventory_api::inventory_client::InventoryClient;
use orders_api::events::{CancelReason, Fulfilment, ItemKind, Line, Need, OrderCancelled, OrderCreated, PaymentKind};
use wire::Channel;

pub async fn platform() -> Platform {
    Platform::start([inventory::service()]).await
}

pub fn read(platform: &Platform, principal: Principal) -> InventoryClient<Channel> {
    InventoryClient::new(platform.channel("inventory", principal))
}

pub fn write(platform: &Platform, key: &str, body: &str) -> InventoryClient<Channel> {
    InventoryClient::new(platform.writing("inventory", staff(), key, body))
}

pub async fn add(platform: &Platform, slug: &str, initial: i64, low_at: i64) -> api::Level {
    let request = api::AddItemRequest {
        shop_id: 1,
        slug: slug.to_owned(),
        name: [("en".to_owned(), slug.to_owned()), ("ru".to_owned(), "Сыр 🧀".to_owned())].into(),
        unit: "g".to_owned(),
        low_at,
        initial,
        reason: "opening".to_owned(),
    };
    write(platform, &format!("add {slug}"), slug).add_item(request).await.unwrap().into_inner()
}

pub async fn level(platform: &Platform, stock_id: i64) -> api::Level {
    let request = api::GetLevelRequest { stock_id, ..Default::default() };
    read(platform, staff()).get_level(request).await.unwrap().into_inner()
}

/// Available, reserved, consumed.
pub async fn terms(platform: &Platform, stock_id: i64) -> (i64, i64, i64) {
    let level = level(platform, stock_id).await;
    assert_eq!(level.received + level.corrected - level.wasted, level.available + level.reserved + level.consumed, "{level:?}");
    (level.available, level.reserved, level.consumed)
}

pub async fn state(platform: &Platform, order: i64) -> String {
    read(platform, staff()).get_reservation(api::ReservationRequest { order_id: order }).await.unwrap().into_inner().state
}

pub async fn ledger_agrees(platform: &Platform) -> i64 {
    let answer = read(platform, staff()).check_ledger(api::CheckLedgerRequest { shop_id: 1 }).await.unwrap().into_inner();
    assert_eq!(answer.differences, []);
    answer.movements
}

pub fn order(id: i64, needs: &[(i64, i64)]) -> OrderCreated {
    OrderCreated {
        order_id: OrderId(id),
        shop_id: ShopId(1),
        placed_at: Timestamp(1),
        lines: vec![Line {
            item_id: ItemId(1),
            slug: "margherita".into(),
            size: "M".into(),
            quantity: 1,
            total_minor: 1_000,
            kind: ItemKind::Dish,
            options: vec![],
            steps: vec![],
        }],
        needs: needs.iter().map(|(stock, quantity)| Need { stock_id: StockId(*stock), quantity: *quantity }).collect(),
        total_minor: 1_000,
        currency: Currency::USD,
        payment: PaymentKind::Cash,
        method_id: None,
        fulfilment: Fulfilment::Delivery,
        language: "en".into(),
        device_id: None,
        has_email: false,
    }
}

pub fn cancelled(id: i64) -> OrderCancelled {
    OrderCancelled {
        order_id: OrderId(id),
        shop_id: ShopId(1),
        reason: CancelReason::CustomerAsked,
        by: "guest".into(),
        total_minor: 1_000,
        fee_minor: 0,
        placed_at: Timestamp(1),
    }
}
