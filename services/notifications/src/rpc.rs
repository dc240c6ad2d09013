//! The contract of notifications, carried out.

use base::id::{DeviceId, NotificationId, OrderId};
use base::limits::{PAGE_ROWS_DEFAULT, PAGE_ROWS_MAX};
use base::{Fault, Mistake, Principal, planted};
use host::{Change, Ctx, answer, settle};
use notifications_api as api;
use notifications_api::notifications_server::Notifications;
use tonic::{Request, Response, Status};
use wire::Call;

use crate::domain::{Error, Message};
use crate::{store, words};

pub struct Rpc {
    ctx: Ctx,
}

impl Rpc {
    pub fn new(ctx: Ctx) -> Rpc {
        Rpc { ctx }
    }

    async fn list(&self, call: &Call, asked: &api::ListNotificationsRequest) -> Result<Vec<Message>, Fault> {
        let (store, now) = (self.ctx.store(), self.ctx.now());
        let bad = || Fault::invalid("bad_page", "This is not the mark of a page.");
        let before = if asked.after.is_empty() { i64::MAX } else { asked.after.parse().map_err(|_| bad())? };
        let limit = rows(asked.limit)?;
        let order = OrderId(asked.order_id);
        if let Principal::Guest { device } = &call.principal {
            if order.0 == 0 {
                return store::of_device(store, *device, asked.unread_only, before, now, limit).await;
            }
            let to = (!planted(Mistake::MessagesOfAnyOrder)).then_some(*device);
            return store::of_order(store, (order, to), asked.unread_only, before, now, limit).await;
        }
        if call.principal == Principal::Nobody {
            return Err(Error::Nobody.fault());
        }
        if order.0 == 0 {
            return Err(Error::OrderMissing.fault());
        }
        let known = store::order(store, order).await?.filter(|known| call.principal.serves(known.shop_id));
        known.ok_or_else(|| Error::NotFound.fault())?;
        store::of_order(store, (order, None), asked.unread_only, before, now, limit).await
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

fn guest(principal: &Principal) -> Result<DeviceId, Fault> {
    match principal {
        Principal::Guest { device } => Ok(*device),
        Principal::Nobody => Err(Error::Nobody.fault()),
        _ => Err(Error::GuestsOnly.fault()),
    }
}

fn shown(message: &Message) -> api::Notification {
    api::Notification {
        notification_id: message.id.0,
        order_id: message.draft.order_id.0,
        template: message.draft.template.word().to_owned(),
        title: words::title(message.draft.template, message.draft.params.pickup).0,
        text: words::text(&message.draft).0,
        at: message.draft.at.micros(),
        expires_at: message.expires_at.micros(),
        read: message.read,
    }
}

#[tonic::async_trait]
impl Notifications for Rpc {
    async fn list_notifications(
        &self,
        request: Request<api::ListNotificationsRequest>,
    ) -> Result<Response<api::NotificationPage>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let asked = request.get_ref();
            let messages = self.list(&call, asked).await?;
            let full = messages.len() == rows(asked.limit)? as usize;
            let next = messages.last().filter(|_| full).map_or_else(String::new, |last| last.id.0.to_string());
            Ok(api::NotificationPage { notifications: messages.iter().map(shown).collect(), next })
        })
        .await
    }

    async fn count_unread(&self, request: Request<api::CountUnreadRequest>) -> Result<Response<api::UnreadCount>, Status> {
        answer(async {
            let device = guest(&Call::of(&request)?.principal)?;
            Ok(api::UnreadCount { unread: store::unread(self.ctx.store(), device, self.ctx.now()).await? })
        })
        .await
    }

    async fn mark_read(&self, request: Request<api::MarkReadRequest>) -> Result<Response<api::Notification>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let device = guest(&call.principal)?;
            let id = NotificationId(request.get_ref().notification_id);
            settle(self.ctx.store(), self.ctx.world(), &call, || async {
                let now = self.ctx.now();
                let own = store::message(self.ctx.store(), id)
                    .await?
                    .filter(|message| message.device_id == Some(device) && message.expires_at > now);
                let mut message = own.ok_or_else(|| Error::NotFound.fault())?;
                let change = if message.read { Change::new() } else { Change::new().guarded(store::read(id, now)) };
                message.read = true;
                Ok((change, shown(&message)))
            })
            .await
        })
        .await
    }

    async fn mark_all_read(&self, request: Request<api::MarkAllReadRequest>) -> Result<Response<api::UnreadCount>, Status> {
        answer(async {
            let call = Call::of(&request)?;
            let device = guest(&call.principal)?;
            settle(self.ctx.store(), self.ctx.world(), &call, || async {
                let change = Change::new().write(store::read_all(device, self.ctx.now()));
                Ok((change, api::UnreadCount { unread: 0 }))
            })
            .await
        })
        .await
    }
}
