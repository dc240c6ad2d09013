//! Notifications from outside: who sees which message, what comes twice, late or over a crash, and the mail.

mod contract;
mod letterbox;
mod reactions;

use base::event::Fact;
use base::id::{DeliveryId, DeviceId, ItemId, OrderId, PaymentId, ShopId, TicketId};
use base::{Currency, Principal, Timestamp};
use delivery_api::events::{OrderDelivered, OrderShipped};
use host::testing::{Platform, guest};
use kitchen_api::events::CookingStarted;
use notifications_api as api;
use notifications_api::notifications_client::NotificationsClient;
use orders_api::events::{CancelReason, Fulfilment, ItemKind, Line, OrderCancelled, OrderCreated, PaymentKind};
use payments_api::events::{OrderPaid, PaymentRefunded};
use wire::Channel;

pub const SHOP: ShopId = ShopId(1);

pub async fn platform() -> Platform {
    Platform::start([notifications::service()]).await
}

pub fn client(platform: &Platform, principal: Principal) -> NotificationsClient<Channel> {
    NotificationsClient::new(platform.channel("notifications", principal))
}

/// The templates of what a guest sees, oldest first.
pub async fn templates(platform: &Platform, device: i64) -> Vec<String> {
    let mut templates: Vec<String> = list(platform, device).await.into_iter().map(|message| message.template).collect();
    templates.reverse();
    templates
}

pub async fn list(platform: &Platform, device: i64) -> Vec<api::Notification> {
    let request = api::ListNotificationsRequest::default();
    client(platform, guest(device)).list_notifications(request).await.unwrap().into_inner().notifications
}

pub fn order(id: i64, device: i64) -> OrderCreated {
    OrderCreated {
        order_id: OrderId(id),
        shop_id: SHOP,
        placed_at: Timestamp(1),
        lines: vec![Line {
            item_id: ItemId(1),
            slug: "margherita".into(),
            size: "M".into(),
            quantity: 2,
            total_minor: 2_850,
            kind: ItemKind::Dish,
            options: vec![],
            steps: vec![],
        }],
        needs: vec![],
        total_minor: 2_850,
        currency: Currency::USD,
        payment: PaymentKind::Card,
        method_id: None,
        fulfilment: Fulfilment::Delivery,
        language: "ru".into(),
        device_id: Some(DeviceId(device)),
        has_email: false,
    }
}

pub fn paid(id: i64) -> OrderPaid {
    OrderPaid {
        order_id: OrderId(id),
        shop_id: SHOP,
        payment_id: PaymentId(id),
        amount_minor: 2_850,
        currency: Currency::USD,
        method: "card".into(),
    }
}

pub fn refunded(id: i64, amount_minor: i64) -> PaymentRefunded {
    PaymentRefunded { order_id: OrderId(id), shop_id: SHOP, payment_id: PaymentId(id), amount_minor, currency: Currency::USD }
}

pub fn cooking(id: i64) -> CookingStarted {
    CookingStarted { order_id: OrderId(id), shop_id: SHOP, ticket_id: TicketId(id), ready_at: Timestamp(9) }
}

pub fn shipped(id: i64) -> OrderShipped {
    OrderShipped { order_id: OrderId(id), shop_id: SHOP, delivery_id: DeliveryId(id), expected_at: Timestamp(9) }
}

pub fn delivered(id: i64) -> OrderDelivered {
    OrderDelivered {
        order_id: OrderId(id),
        shop_id: SHOP,
        delivery_id: DeliveryId(id),
        cash_taken_minor: 0,
        currency: Currency::USD,
        delivered_at: Timestamp(9),
        proof: "signed".into(),
    }
}

pub fn cancelled(id: i64, fee_minor: i64) -> OrderCancelled {
    OrderCancelled {
        order_id: OrderId(id),
        shop_id: SHOP,
        reason: CancelReason::PaymentDeclined,
        by: "platform".into(),
        total_minor: 2_850,
        fee_minor,
        placed_at: Timestamp(1),
    }
}

pub async fn say_and_settle<F: Fact>(platform: &Platform, source: &'static str, fact: &F) {
    platform.say(source, fact).await;
    platform.settled().await;
}
