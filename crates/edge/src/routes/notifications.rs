//! Messages to the guest who asks.

use axum::Json;
use axum::extract::{Path, State};
use base::id::{NotificationId, OrderId};
use notifications_api::{CountUnreadRequest, ListNotificationsRequest, MarkAllReadRequest, MarkReadRequest, Notification as Message};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Reply;
use crate::api::{self, Api, Who};
use crate::asked::{Asked, Asking, Named, Sent};
use crate::shape::{Reason, Texts, rows, time};
use crate::{Edge, ask};

const LIST: &[(&str, &str)] = &[
    ("order", "Only about this order; staff must name one."),
    ("unread", "`true` for unread ones only."),
    ("after", "`next` of the page before."),
    ("limit", "How many rows."),
];

pub(crate) fn add(api: &mut Api) {
    api.chapter("notifications");
    api.add(api::get("/v1/notifications", "Lists messages, newest first").open_to(Who::Known).asks(LIST).gives::<NotificationPage>(), list);
    api.add(api::get("/v1/notifications/unread", "Counts unread messages").open_to(Who::Known).gives::<Unread>(), unread);
    api.add(api::post("/v1/notifications/read", "Marks all messages as read").open_to(Who::Known).takes::<Reason>().gives::<Unread>(), read_all);
    api.add(api::post("/v1/notifications/{notification}/read", "Marks a message as read").open_to(Who::Known).takes::<Reason>().gives::<Notification>(), read);
}

/// A message to a person.
#[derive(Serialize, ToSchema)]
struct Notification {
    notification_id: String,
    order_id: Option<String>,
    /// What it is about, such as `order_paid`.
    template: String,
    title: Texts,
    text: Texts,
    at: Option<String>,
    expires_at: Option<String>,
    read: bool,
}

#[derive(Serialize, ToSchema)]
struct NotificationPage {
    notifications: Vec<Notification>,
    next: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Unread {
    unread: i64,
}

fn shown(edge: &Edge, message: Message) -> Notification {
    Notification {
        notification_id: edge.id::<NotificationId>(message.notification_id),
        order_id: edge.show::<OrderId>(message.order_id),
        template: message.template,
        title: message.title.into_iter().collect(),
        text: message.text.into_iter().collect(),
        at: time(message.at),
        expires_at: time(message.expires_at),
        read: message.read,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListAsked {
    order: Option<String>,
    #[serde(default)]
    unread: bool,
    #[serde(default)]
    after: String,
    #[serde(default)]
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(query): Asking<ListAsked>) -> Reply<NotificationPage> {
    let order_id = query.order.map_or(Ok(0), |order| edge.read::<OrderId>(&order))?;
    let message = ListNotificationsRequest { order_id, unread_only: query.unread, after: edge.after(&query.after)?, limit: rows(query.limit)? };
    let told = ask!(edge, &asked.call, notifications.list_notifications, message);
    let next = edge.next(&told.next);
    Ok(Json(NotificationPage { notifications: told.notifications.into_iter().map(|message| shown(&edge, message)).collect(), next }))
}

async fn unread(State(edge): State<Edge>, asked: Asked) -> Reply<Unread> {
    let told = ask!(edge, &asked.call, notifications.count_unread, CountUnreadRequest {});
    Ok(Json(Unread { unread: told.unread }))
}

async fn read(State(edge): State<Edge>, asked: Asked, Path(id): Named, Sent(_): Sent<Reason>) -> Reply<Notification> {
    let message = MarkReadRequest { notification_id: edge.read::<NotificationId>(&id)? };
    Ok(Json(shown(&edge, ask!(edge, &asked.call, notifications.mark_read, message))))
}

async fn read_all(State(edge): State<Edge>, asked: Asked, Sent(_): Sent<Reason>) -> Reply<Unread> {
    let told = ask!(edge, &asked.call, notifications.mark_all_read, MarkAllReadRequest {});
    Ok(Json(Unread { unread: told.unread }))
}
