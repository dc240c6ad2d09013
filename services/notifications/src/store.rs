//! Rows of notifications, to the domain and back.
//!
//! What is heard of an order may come before the order itself, over another lane. Either side guards against the other:
//! an unknown order must still be unknown when its message is kept, and a new order must have seen all its messages.

use std::collections::{BTreeMap, BTreeSet};

use base::id::{DeviceId, NotificationId, OrderId};
use base::{Currency, Fault, Timestamp};
use sql::{Row, Statement, Store, params, statement};

use crate::domain::{Draft, Known, Message, Template};

const ORDER: &str = "select order_id, shop_id, device_id, language, has_email, pickup, currency, at from notifications_orders where order_id = $1";
const ORDERS: &str = "select order_id, shop_id, device_id, language, has_email, pickup, currency, at from notifications_orders where order_id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
const ORDER_PUT: &str = "insert into notifications_orders (order_id, shop_id, device_id, language, has_email, pickup, currency, at) select cast($1 as bigint), cast($2 as bigint), cast($3 as bigint), cast($4 as text), cast($5 as boolean), cast($6 as boolean), cast($7 as text), cast($8 as bigint) where (select count(*) from notifications_messages where order_id = $1) = $9 on conflict do nothing";

const TOLD: &str = "select order_id, template, nth, id from notifications_messages where order_id in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
const PUT: &str = "insert into notifications_messages (id, order_id, template, nth, device_id, params, at, expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";
const PUT_EARLY: &str = "insert into notifications_messages (id, order_id, template, nth, device_id, params, at, expires_at) select cast($1 as bigint), cast($2 as bigint), cast($3 as text), cast($4 as bigint), cast($5 as bigint), cast($6 as text), cast($7 as bigint), cast($8 as bigint) where not exists (select 1 from notifications_orders where order_id = $2) on conflict do nothing";
const ADDRESS: &str = "update notifications_messages set device_id = $2 where order_id = $1";
const MESSAGE: &str =
    "select id, order_id, template, nth, device_id, params, at, expires_at, read_at from notifications_messages where id = $1";
const OF_DEVICE: &str = "select id, order_id, template, nth, device_id, params, at, expires_at, read_at from notifications_messages where device_id = $1 and id < $2 and expires_at > $3 order by id desc limit $4";
const OF_DEVICE_UNREAD: &str = "select id, order_id, template, nth, device_id, params, at, expires_at, read_at from notifications_messages where device_id = $1 and id < $2 and expires_at > $3 and read_at is null order by id desc limit $4";
const OF_ORDER: &str = "select id, order_id, template, nth, device_id, params, at, expires_at, read_at from notifications_messages where order_id = $1 and id < $2 and expires_at > $3 and (device_id = $5 or $5 is null) and (read_at is null or not $6) order by id desc limit $4";
const UNREAD: &str = "select count(*) from notifications_messages where device_id = $1 and read_at is null and expires_at > $2";
const READ: &str = "update notifications_messages set read_at = $2 where id = $1 and read_at is null";
const READ_ALL: &str = "update notifications_messages set read_at = $2 where device_id = $1 and read_at is null";
const OLD: &str = "select id, expires_at from notifications_messages order by id limit $1";
const DROP: &str = "delete from notifications_messages where id = $1";

/// How many ids one read asks for; a shorter list repeats its last.
const AT_ONCE: usize = 16;

fn unreadable(why: impl std::fmt::Display) -> Fault {
    Fault::internal("message_row_unreadable", "A row of notifications cannot be read.").because(why)
}

fn known_of(row: &Row) -> Result<Known, Fault> {
    Ok(Known {
        order_id: row.id(0)?,
        shop_id: row.id(1)?,
        device_id: row.opt_id(2)?,
        language: row.text(3)?.to_owned(),
        has_email: row.bool(4)?,
        pickup: row.bool(5)?,
        currency: Currency::parse(row.text(6)?)?,
        at: row.time(7)?,
    })
}

fn message_of(row: &Row) -> Result<Message, Fault> {
    let word = row.text(2)?;
    let draft = Draft {
        order_id: row.id(1)?,
        template: Template::parse(word).ok_or_else(|| unreadable(word))?,
        nth: row.int(3)?,
        params: serde_json::from_str(row.text(5)?).map_err(unreadable)?,
        at: row.time(6)?,
    };
    Ok(Message { id: row.id(0)?, draft, device_id: row.opt_id(4)?, expires_at: row.time(7)?, read: row.opt_int(8)?.is_some() })
}

fn padded(ids: &[i64]) -> Vec<sql::Value> {
    let last = ids.last().copied().unwrap_or_default();
    (0..AT_ONCE).map(|place| ids.get(place).copied().unwrap_or(last).into()).collect()
}

/// Reads what is known of an order.
pub async fn order(store: &Store, order: OrderId) -> Result<Option<Known>, Fault> {
    store.read_one(ORDER, params![order]).await?.as_ref().map(known_of).transpose()
}

/// Reads what is known of several orders.
pub async fn orders(store: &Store, orders: &[OrderId]) -> Result<BTreeMap<OrderId, Known>, Fault> {
    let ids: Vec<i64> = orders.iter().map(|id| id.0).collect();
    let mut found = BTreeMap::new();
    for ids in ids.chunks(AT_ONCE) {
        for row in store.read(ORDERS, padded(ids)).await? {
            let known = known_of(&row)?;
            found.insert(known.order_id, known);
        }
    }
    Ok(found)
}

/// What was told about an order already: template, number, message.
pub type Told = BTreeSet<(Template, i64, NotificationId)>;

/// Reads what was told about several orders.
pub async fn told(store: &Store, orders: &[OrderId]) -> Result<BTreeMap<OrderId, Told>, Fault> {
    let ids: Vec<i64> = orders.iter().map(|id| id.0).collect();
    let mut found: BTreeMap<OrderId, Told> = BTreeMap::new();
    for ids in ids.chunks(AT_ONCE) {
        for row in store.read(TOLD, padded(ids)).await? {
            let template = Template::parse(row.text(1)?).ok_or_else(|| unreadable("template"))?;
            found.entry(row.id(0)?).or_default().insert((template, row.int(2)?, row.id(3)?));
        }
    }
    Ok(found)
}

/// Remembers an order of which `told` messages are known; refused when there are others, or when it is known already.
pub fn put_order(known: &Known, told: usize) -> Statement {
    let told = i64::try_from(told).unwrap_or(i64::MAX);
    let Known { order_id, shop_id, device_id, language, has_email, pickup, currency, at } = known;
    statement(ORDER_PUT, params![*order_id, *shop_id, *device_id, language, *has_email, *pickup, currency.code(), *at, told])
        .expecting(1)
}

/// Keeps a message; of an order that is unknown only as long as it stays so.
pub fn put(message: &Message, order_is_known: bool) -> Statement {
    let Message { id, draft, device_id, expires_at, .. } = message;
    let filled = serde_json::to_string(&draft.params).expect("parameters are plain data");
    let text = if order_is_known { PUT } else { PUT_EARLY };
    statement(text, params![*id, draft.order_id, draft.template.word(), draft.nth, *device_id, filled, draft.at, *expires_at])
        .expecting(1)
}

/// Gives the messages of an order to a device.
pub fn address(order: OrderId, device: DeviceId) -> Statement {
    statement(ADDRESS, params![order, device])
}

/// Reads a message.
pub async fn message(store: &Store, id: NotificationId) -> Result<Option<Message>, Fault> {
    store.read_one(MESSAGE, params![id]).await?.as_ref().map(message_of).transpose()
}

/// Lists the messages of a device, newest first, before an id.
pub async fn of_device(
    store: &Store,
    device: DeviceId,
    unread_only: bool,
    before: i64,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Message>, Fault> {
    let text = if unread_only { OF_DEVICE_UNREAD } else { OF_DEVICE };
    store.read(text, params![device, before, now, limit]).await?.iter().map(message_of).collect()
}

/// Lists the messages about an order, to one device or to any, newest first, before an id.
pub async fn of_order(
    store: &Store,
    (order, to): (OrderId, Option<DeviceId>),
    unread_only: bool,
    before: i64,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Message>, Fault> {
    store.read(OF_ORDER, params![order, before, now, limit, to, unread_only]).await?.iter().map(message_of).collect()
}

/// Counts what a device has not read.
pub async fn unread(store: &Store, device: DeviceId, now: Timestamp) -> Result<i64, Fault> {
    store.read_one(UNREAD, params![device, now]).await?.map_or(Ok(0), |row| row.int(0))
}

/// Marks a message as read; refused when it is already.
pub fn read(id: NotificationId, now: Timestamp) -> Statement {
    statement(READ, params![id, now]).expecting(1)
}

/// Marks all messages of a device as read.
pub fn read_all(device: DeviceId, now: Timestamp) -> Statement {
    statement(READ_ALL, params![device, now])
}

/// Gives the statements that drop the oldest messages, as far as they have expired; at most `limit`.
pub async fn expired(store: &Store, now: Timestamp, limit: u32) -> Result<Vec<Statement>, Fault> {
    let mut drops = Vec::new();
    // Ids are ordered by time, so the oldest come first.
    for row in store.read(OLD, params![limit]).await? {
        if row.time(1)? <= now {
            drops.push(statement(DROP, params![row.int(0)?]));
        }
    }
    Ok(drops)
}
