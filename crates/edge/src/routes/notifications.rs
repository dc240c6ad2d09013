//! Messages to the guest about their orders.

use axum::Json;
use axum::extract::State;
use base::id::{NotificationId, OrderId};
use notifications_api::{CountUnreadRequest, ListNotificationsRequest, MarkAllReadRequest, MarkReadRequest, Notification};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Answer;
use crate::api::{Api, Who, get, post};
use crate::asked::{Asked, Asking, Named};
use crate::shape::{rows, time};
use crate::{Edge, ask};

const LIST: &[(&str, &str)] = &[
    ("order_id", "Only about this order; staff must name one."),
    ("unread_only", "`true` for what was not read."),
    ("after", "`next` of the page before."),
    ("limit", "How many rows."),
];

pub(crate) fn add(api: &mut Api) {
    api.chapter("notifications");
    api.add(get("/v1/notifications", "The messages of this device, newest first.").open_to(Who::Known).asks(LIST), list);
    api.add(get("/v1/notifications/unread", "How many messages were not read.").open_to(Who::Known), unread);
    api.add(post("/v1/notifications/read", "Marks all messages as read.").open_to(Who::Known), read_all);
    api.add(post("/v1/notifications/{id}/read", "Marks a message as read.").open_to(Who::Known), read);
}

fn shown(edge: &Edge, message: &Notification) -> Value {
    json!({ "notification_id": edge.id::<NotificationId>(message.notification_id), "order_id": edge.id::<OrderId>(message.order_id), "template": message.template,
        "title": message.title, "text": message.text, "at": time(message.at), "expires_at": time(message.expires_at), "read": message.read })
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct ListAsked {
    order_id: Option<String>,
    unread_only: bool,
    after: String,
    limit: u32,
}

async fn list(State(edge): State<Edge>, asked: Asked, Asking(page): Asking<ListAsked>) -> Answer {
    let request = ListNotificationsRequest {
        order_id: page.order_id.map_or(Ok(0), |id| edge.read::<OrderId>(&id))?,
        unread_only: page.unread_only,
        after: edge.after(&page.after)?,
        limit: rows(page.limit)?,
    };
    let page = ask!(edge, &asked.call, notifications.list_notifications, request);
    Ok(Json(
        json!({ "notifications": page.notifications.iter().map(|message| shown(&edge, message)).collect::<Vec<_>>(), "next": edge.next(&page.next) }),
    ))
}

async fn unread(State(edge): State<Edge>, asked: Asked) -> Answer {
    Ok(Json(json!({ "unread": ask!(edge, &asked.call, notifications.count_unread, CountUnreadRequest {}).unread })))
}

async fn read_all(State(edge): State<Edge>, asked: Asked) -> Answer {
    Ok(Json(json!({ "unread": ask!(edge, &asked.call, notifications.mark_all_read, MarkAllReadRequest {}).unread })))
}

async fn read(State(edge): State<Edge>, asked: Asked, name: Named) -> Answer {
    let request = MarkReadRequest { notification_id: edge.read::<NotificationId>(&name)? };
    Ok(Json(shown(&edge, &ask!(edge, &asked.call, notifications.mark_read, request))))
}
