//! Messages to the guest about their orders.

use axum::Json;
use axum::extract::State;
use base::id::{NotificationId, OrderId};
use notifications_api::{
    CountUnreadRequest, ListNotificationsRequest, MarkAllReadRequest, MarkReadRequest, Notification as Message,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{Api, Who, get, post};
use crate::asked::{Asked, Asking, Named};
use crate::document::{AFTER, LIMIT, Param};
use crate::shape::{Texts, Time, rows, time};
use crate::{Edge, ask};

const LIST: &[Param] = &[
    Param::text("order_id", "Only about this order, `ord_…`; staff must name one."),
    Param::flag("unread_only", "`true` for what was not read."),
    AFTER,
    LIMIT,
];

pub(crate) fn add(api: &mut Api) {
    api.chapter("notifications");
    api.add(
        get("/v1/notifications", "Lists the messages of this device, newest first")
            .open_to(Who::Known)
            .asks(LIST)
            .gives::<NotificationPage>(),
        list,
    );
    api.add(
        get("/v1/notifications/unread", "Counts the messages that were not read").open_to(Who::Known).gives::<Unread>(),
        unread,
    );
    api.add(post("/v1/notifications/read", "Marks all messages as read").open_to(Who::Known).gives::<Unread>(), read_all);
    api.add(
        post("/v1/notifications/{notification}/read", "Marks a message as read").open_to(Who::Known).gives::<Notification>(),
        read,
    );
}

/// A message to a person.
#[derive(Serialize, ToSchema)]
struct Notification {
    /// Its id: `ntf_…`.
    notification_id: String,
    /// The order's id: `ord_…`.
    order_id: String,
    /// What it is about: `order_received`, `order_paid`, `order_promised`, `cooking_started`, `order_shipped`,
    /// `order_delivered`, `order_cancelled` or `payment_refunded`.
    template: String,
    title: Texts,
    text: Texts,
    at: Option<Time>,
    /// From when on it is no longer shown.
    expires_at: Option<Time>,
    read: bool,
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
struct NotificationPage {
    notifications: Vec<Notification>,
    /// What to send as `after` for the next page.
    next: Option<String>,
}

/// How many messages were not read.
#[derive(Serialize, ToSchema)]
struct Unread {
    /// How many.
    unread: i64,
}

fn shown(edge: &Edge, message: Message) -> Notification {
    Notification {
        notification_id: edge.id::<NotificationId>(message.notification_id),
        order_id: edge.id::<OrderId>(message.order_id),
        template: message.template,
        title: message.title.into_iter().collect(),
        text: message.text.into_iter().collect(),
        at: time(message.at),
        expires_at: time(message.expires_at),
        read: message.read,
    }
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct ListAsked {
    order_id: Option<String>,
    unread_only: bool,
    after: String,
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<ListAsked>) -> Reply<NotificationPage> {
    let request = ListNotificationsRequest {
        order_id: page.order_id.map_or(Ok(0), |id| edge.read::<OrderId>(&id))?,
        unread_only: page.unread_only,
        after: edge.after(&page.after)?,
        limit: rows(page.limit)?,
    };
    let page = ask!(edge, &asked.call, notifications.list_notifications, request);
    let next = edge.next(&page.next);
    let notifications = page.notifications.into_iter().map(|message| shown(&edge, message)).collect();
    Ok(Json(NotificationPage { notifications, next }))
}

async fn unread(State(edge): State<Edge>, asked: Asked) -> Reply<Unread> {
    Ok(Json(Unread { unread: ask!(edge, &asked.call, notifications.count_unread, CountUnreadRequest {}).unread }))
}

async fn read_all(State(edge): State<Edge>, asked: Asked) -> Reply<Unread> {
    Ok(Json(Unread { unread: ask!(edge, &asked.call, notifications.mark_all_read, MarkAllReadRequest {}).unread }))
}

async fn read(State(edge): State<Edge>, asked: Asked, name: Named) -> Reply<Notification> {
    let request = MarkReadRequest { notification_id: edge.read::<NotificationId>(&name)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, notifications.mark_read, request))))
}
