//! What notifications does by itself: writes mail, and drops what has expired.

use std::time::Duration;

use base::id::NotificationId;
use base::{Fault, Id, Kind, Timestamp};
use host::{Change, Ctx, Job};
use orders_api::GetOrderRequest;
use orders_api::orders_client::OrdersClient;
use sql::{NewJob, Once};

use crate::domain::is_address;
use crate::mail::Mail;
use crate::reactions::kept;
use crate::{store, words};

/// How many expired rows go in one commit, so that others get their turn.
const DROPS_MAX: u32 = 500;
/// Who mail comes from unless the setting `mail_from` says otherwise.
const FROM: &str = "Comanda <no-reply@comanda.invalid>";

/// Sees to it that expired messages are looked for.
pub async fn begin(ctx: Ctx) -> Result<(), Fault> {
    ctx.store().commit(Once::Nothing, Change::new().job(expire_job(ctx.now()))).await.map(|_| ())
}

fn expire_job(due: Timestamp) -> NewJob {
    NewJob { kind: "expire", key: 0, due, deadline: None, body: "{}".to_owned(), correlation: String::new(), lease: None }
}

/// Drops a batch of what has expired, and leaves a job for the next.
pub async fn expire(ctx: Ctx, _job: Job) -> Result<Change, Fault> {
    let (now, kept) = (ctx.now(), kept(&ctx));
    let drops = store::expired(ctx.store(), now, DROPS_MAX).await?;
    let pause = (kept / 100).clamp(Duration::from_millis(50), Duration::from_secs(3_600));
    let next = if drops.len() < DROPS_MAX as usize { now + pause } else { now };
    Ok(drops.into_iter().fold(Change::new(), Change::write).job(expire_job(next)))
}

/// Writes the mail of a message, if it is still there and the customer can still be written to.
///
/// The address is asked for now and not kept. Written twice, the mail has the same name and stays one.
pub async fn mail(ctx: Ctx, job: Job) -> Result<Change, Fault> {
    let done = Ok(Change::new());
    let id = NotificationId(job.key);
    let Some(message) = store::message(ctx.store(), id).await? else { return done };
    let draft = &message.draft;
    let Some(known) = store::order(ctx.store(), draft.order_id).await? else { return done };
    let mut orders = OrdersClient::new(ctx.peer("orders", &ctx.call(&job.correlation))?);
    let contact = match orders.get_contact(GetOrderRequest { order_id: draft.order_id.0 }).await.map_err(wire::fault_of) {
        Ok(contact) => contact.into_inner(),
        Err(fault) if fault.kind == Kind::NotFound => return done,
        Err(fault) => return Err(fault),
    };
    // Erased, or never fit for a header: nobody is written to, and nothing is wrong.
    if contact.erased || !is_address(&contact.email) {
        return done;
    }
    let language = if words::LANGUAGES.contains(&known.language.as_str()) { &known.language } else { "en" };
    let title = words::title(draft.template, draft.params.pickup);
    let text = format!("{}\r\n\r\n{}\r\n", words::text(draft).get(language), draft.order_id.show(ctx.key()));
    let mail = Mail {
        id: id.show(ctx.key()),
        from: ctx.setting("mail_from").unwrap_or(FROM),
        to: &contact.email,
        subject: title.get(language),
        text: &text,
        language,
        at: draft.at,
    };
    // By number, so that the oldest of a folder come first.
    ctx.outside().mail.drop_mail(&format!("{:019}", id.0), &mail.write()).await?;
    done
}
