//! `EffectsHappenOnce`: what is kept is what its causes make of it, each counted once.

use embedded::rusqlite::Connection;
use orders::domain::{Happening, Order, State};

use base::Timestamp;
use base::id::OrderId;

use super::{check, heard};
use crate::check::{Check, Find, Found};
use crate::report::Promise;
use crate::snapshot::Snapshot;

pub(super) const CHECKS: &[Check] = &[
    Check {
        promise: Promise::EffectsHappenOnce,
        code: "state_is_not_its_history",
        tables: &["orders_orders", "orders_events"],
        sentence: "The order differs from what its happenings make of it.",
        find: Find::Code(rebuild),
    },
    check!(
        EffectsHappenOnce, "said_twice", ["log"],
        "{name} was said {times} times of one order.",
        "select s.key as order_id, s.name, count(*) as times, max(s.seq) as seq from said s where s.name in ('order.created', 'order.cancelled', 'order.shipped',
             'order.delivered', 'delivery.failed', 'delivery.recalled', 'stock.reserved', 'stock.rejected', 'payment.requested', 'payment.promised', 'order.paid',
             'payment.failed', 'payment.voided', 'cooking.started', 'order.ready', 'cooking.failed')
         group by s.key, s.name having count(*) > 1",
    ),
    check!(
        EffectsHappenOnce, "said_both_ways", ["log"],
        "Both {one} and {other} were said of the order: only one can be true.",
        "with pairs (one, other) as (values ('stock.reserved', 'stock.rejected'), ('order.paid', 'payment.failed'), ('order.paid', 'payment.voided'),
             ('order.ready', 'cooking.failed'), ('order.delivered', 'delivery.failed'),
             ('order.delivered', 'delivery.recalled'), ('order.delivered', 'order.cancelled'))
         select a.key as order_id, p.one, p.other, b.seq from pairs p join said a on a.name = p.one join said b on b.key = a.key and b.name = p.other",
    ),
    check!(
        EffectsHappenOnce, "moved_twice", ["inventory_movements"],
        "The stock of the order was moved by `{kind}` {times} times.",
        "select m.order_id, m.kind, count(*) as times from inventory_movements m where m.order_id is not null
         group by m.order_id, m.kind having count(*) > 1
         union all select m.order_id, 'release and consume', count(*) from inventory_movements m where m.order_id is not null and m.kind in ('release', 'consume')
         group by m.order_id having count(distinct m.kind) > 1",
    ),
    check!(
        EffectsHappenOnce, "money_said_differs", ["payments_payments", "log"],
        "{taken_minor} was taken and {refunded_minor} given back; {said_minor} and {said_back_minor} were said.",
        "with told as materialized (select l.key, sum(case when s.name = 'order.paid' then json_extract(l.data, '$.amount_minor') end) as paid,
             sum(case when s.name = 'payment.refunded' then json_extract(l.data, '$.amount_minor') else 0 end) as back
             from said s join log l on l.seq = s.seq where s.name in ('order.paid', 'payment.refunded') group by l.key)
         select p.id as order_id, p.taken_minor, p.refunded_minor, coalesce(t.paid, 0) as said_minor, coalesce(t.back, 0) as said_back_minor
         from payments_payments p left join told t on t.key = p.id where p.created_at >= (select reach from given)
         and ((t.paid is not null and t.paid <> p.taken_minor) or coalesce(t.back, 0) <> p.refunded_minor)",
    ),
    check!(
        EffectsHappenOnce, "board_differs", ["orders_board", "orders_orders"],
        "The board {what} the order, which is {state}.",
        "select o.id as order_id, o.state, 'does not show' as what from orders_orders o
             where o.state not in ('delivered', 'cancelled')
             and not exists (select 1 from orders_board b where b.order_id = o.id and b.shop_id = o.shop_id)
         union all select b.order_id, coalesce(o.state, 'not there'), 'shows' from orders_board b
             left join orders_orders o on o.id = b.order_id and o.shop_id = b.shop_id
             where o.id is null or o.state in ('delivered', 'cancelled')",
    ),
    check!(
        EffectsHappenOnce, "statistics_differ", ["orders_statistics", "orders_orders", "orders_closed"],
        "The statistics know {kept} {state} orders of {kept_minor}; there are {orders} of {minor}.",
        "with truth as materialized (select shop_id, state, sum(orders) as orders, sum(minor) as minor from (select shop_id, state, 1 as orders, total_minor as minor from orders_orders
             union all select shop_id, state, orders, total_minor from orders_closed) group by shop_id, state),
         kept as materialized (select shop_id, state, sum(orders) as orders, sum(total_minor) as minor from orders_statistics group by shop_id, state)
         select k.shop_id, k.state, k.orders as kept, k.minor as kept_minor, coalesce(t.orders, 0) as orders, coalesce(t.minor, 0) as minor
         from kept k left join truth t on t.shop_id = k.shop_id and t.state = k.state where k.orders <> coalesce(t.orders, 0) or k.minor <> coalesce(t.minor, 0)
         union all select t.shop_id, t.state, 0, 0, t.orders, t.minor from truth t
         where not exists (select 1 from kept k where k.shop_id = t.shop_id and k.state = t.state)",
    ),
    check!(
        EffectsHappenOnce, "mine_differs", ["orders_mine", "orders_orders"],
        "The list of a guest's own orders {what} the order wrongly.",
        "select order_id, 'has' as what from (select order_id, device_id from orders_mine except select id, device_id from orders_orders where device_id <> 0)
         union all select id, 'lacks' from (select id, device_id from orders_orders where device_id <> 0 except select order_id, device_id from orders_mine)",
    ),
    check!(
        EffectsHappenOnce, "ticket_is_not_what_was_said", ["kitchen_tickets", "log"],
        "The kitchen said {name}, its ticket is in state {state}.",
        // The numbers of the states are those of the kitchen: 2 cooking, 3 ready, 4 failed.
        "select t.id as order_id, s.name, t.state, s.seq from kitchen_tickets t join said s on s.key = t.id and s.name in ('cooking.started', 'order.ready', 'cooking.failed')
         where (s.name = 'order.ready' and t.state <> 3) or (s.name = 'cooking.failed' and t.state <> 4) or (s.name = 'cooking.started' and t.state not in (2, 3, 4))",
    ),
    check!(
        EffectsHappenOnce, "delivery_is_not_what_was_said", ["delivery_deliveries", "log"],
        "Delivery said {name}, and keeps the order in state {state}.",
        // The numbers of the states are those of delivery: 2 shipped, 3 delivered, 4 failed, 5 cancelled, or called back.
        "select d.id as order_id, s.name, d.state, s.seq from delivery_deliveries d join said s on s.key = d.id and s.source = 'delivery'
         where (s.name = 'order.delivered' and d.state <> 3) or (s.name = 'delivery.failed' and d.state <> 4) or (s.name = 'delivery.recalled' and d.state <> 5)
             or (s.name = 'order.shipped' and d.state not in (2, 3, 4, 5))",
    ),
    check!(
        EffectsHappenOnce, "told_twice", ["notifications_messages"],
        "The customer was told `{template}` {times} times.",
        "select m.order_id, m.template, count(*) as times from notifications_messages m where m.template not like '%refund%'
         group by m.order_id, m.template having count(*) > 1",
    ),
    check!(
        EffectsHappenOnce, "counted_twice", ["analytics_counts", "analytics_state", "log"],
        "Analytics has counted {counted} {name}, and has heard {heard}.",
        // Only where the whole log is there, and no rebuild is under way; what is parked may or may not be counted.
        concat!(
            "with known as (select generation from analytics_state where building = 0 and (select reach from given) = -9223372036854775808),
             counted as materialized (select c.kind as name, sum(c.events) as events from analytics_counts c join known k on k.generation = c.generation group by c.kind),
             heard as materialized (select s.name, count(*) as events from said s where ", heard!("analytics", "s"), " group by s.name)
             select h.name, coalesce(c.events, 0) as counted, h.events as heard from known join heard h left join counted c on c.name = h.name
             where coalesce(c.events, 0) <> h.events and h.name in ('order.created', 'order.cancelled', 'order.shipped', 'order.delivered', 'delivery.failed',
                 'payment.requested', 'order.paid', 'payment.promised', 'payment.failed', 'payment.refunded', 'payment.voided', 'stock.reserved', 'stock.rejected',
                 'stock.low', 'stock.changed', 'cooking.started', 'order.ready', 'cooking.failed', 'item.created', 'item.changed', 'price.changed', 'item.retired',
                 'availability.changed', 'notification.created', 'dead_letter.parked', 'dead_letter.redriven', 'dead_letter.discarded')
             and not exists (select 1 from letters l where l.service = 'analytics') and not exists (select 1 from given_up g where g.service = 'analytics')
             union all select c.name, c.events, 0 from counted c where c.name not in (select name from heard)"
        ),
    ),
    check!(
        EffectsHappenOnce, "figures_differ", ["analytics_series", "analytics_state", "orders_orders", "orders_closed", "log"],
        "The figures say {figures} (orders, delivered, cancelled, revenue), the orders make it {truth}.",
        concat!(
            "with known as (select generation from analytics_state where building = 0 and (select reach from given) = -9223372036854775808
                 and not exists (select 1 from letters l where l.service = 'analytics') and not exists (select 1 from given_up g where g.service = 'analytics')
                 and not exists (select 1 from said s where s.name in ('order.created', 'order.delivered', 'order.cancelled') and not ", heard!("analytics", "s"), ")
                 and not exists (select 1 from orders_orders o where o.state not in (select word from states where is_over))),
             kept as (select shop_id, orders || ', ' || delivered || ', ' || cancelled || ', ' || revenue_minor as told
                 from analytics_series s join known k on k.generation = s.generation where s.step = 'all'),
             made as (select shop_id, sum(orders) || ', ' || sum(case state when 'delivered' then orders else 0 end) || ', ' || sum(case state when 'cancelled' then orders else 0 end) || ', '
                 || sum(case state when 'delivered' then total_minor else 0 end) as told
                 from (select shop_id, state, 1 as orders, total_minor from orders_orders union all select shop_id, state, orders, total_minor from orders_closed) group by shop_id)
             select m.shop_id, coalesce(k.told, 'nothing') as figures, m.told as truth from known join made m left join kept k on k.shop_id = m.shop_id
             where k.told is not m.told"
        ),
    ),
];

/// Walks over all histories, and lets the domain itself make orders of them.
fn rebuild(snapshot: &Snapshot, found: &mut Found) -> Result<(), String> {
    let failed = |error: embedded::rusqlite::Error| error.to_string();
    let connection = snapshot.connection();
    let mut histories =
        connection.prepare("select order_id, at, data from orders_events order by order_id, version").map_err(failed)?;
    let mut rows = histories.query([]).map_err(failed)?;
    let mut of = None;
    let mut history = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let id = OrderId(row.get(0).map_err(failed)?);
        if of != Some(id) {
            if let Some(ended) = of {
                compare(connection, ended, std::mem::take(&mut history), found)?;
            }
            of = Some(id);
        }
        let data: String = row.get(2).map_err(failed)?;
        history.push((
            Timestamp(row.get(1).map_err(failed)?),
            serde_json::from_str::<Happening>(&data).map_err(|error| error.to_string()),
        ));
    }
    of.map_or(Ok(()), |last| compare(connection, last, history, found))
}

type Readable = (Timestamp, Result<Happening, String>);

fn compare(connection: &Connection, id: OrderId, history: Vec<Readable>, found: &mut Found) -> Result<(), String> {
    let mut happenings = Vec::new();
    for (at, happening) in history {
        match happening {
            Ok(happening) => happenings.push((at, happening)),
            Err(error) => {
                found.note(|| format!("A happening of the order cannot be read: {error}."), &[("order_id", id.0)]);
                return Ok(());
            }
        }
    }
    // Without a beginning or without a row it is lost, which another promise says.
    let (Some(rebuilt), Some(kept)) = (Order::rebuild(id, happenings), kept(connection, id)?) else { return Ok(()) };
    for (what, before, after) in differences(&kept, &rebuilt) {
        found.note(|| format!("The order keeps {what} {before}, its history makes it {after}."), &[("order_id", id.0)]);
    }
    Ok(())
}

/// The columns of an order that its happenings decide, as text.
type Kept = Vec<(&'static str, String)>;

fn kept(connection: &Connection, id: OrderId) -> Result<Option<Kept>, String> {
    use embedded::rusqlite::OptionalExtension;
    let text = "select version, state, paid, ending, accepted_at, changed_at, shop_id, placed_at, device_id, contact_id, total_minor from orders_orders where id = ?1";
    let mut statement = connection.prepare_cached(text).map_err(|error| error.to_string())?;
    let row = statement.query_row([id.0], |row| {
        let ending: Option<String> = row.get(3)?;
        let mut kept = vec![
            ("version", row.get::<_, i64>(0)?.to_string()),
            ("state", row.get::<_, String>(1)?),
            ("paid", row.get::<_, bool>(2)?.to_string()),
            ("ending", ending.map_or_else(|| "null".to_owned(), |text| canonical(&text))),
        ];
        for (place, name) in ["accepted_at", "changed_at", "shop_id", "placed_at", "device_id", "contact_id", "total_minor"]
            .into_iter()
            .enumerate()
        {
            kept.push((name, row.get::<_, i64>(4 + place)?.to_string()));
        }
        Ok(kept)
    });
    row.optional().map_err(|error| error.to_string())
}

fn canonical(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).map_or_else(|_| text.to_owned(), |value| value.to_string())
}

fn made(order: &Order) -> Kept {
    let ending = order.ending.as_ref().and_then(|ending| serde_json::to_value(ending).ok());
    vec![
        ("version", order.version.to_string()),
        ("state", State::word(order.state).to_owned()),
        ("paid", order.paid.to_string()),
        ("ending", ending.map_or_else(|| "null".to_owned(), |ending| ending.to_string())),
        ("accepted_at", order.accepted_at.0.to_string()),
        ("changed_at", order.changed_at.0.to_string()),
        ("shop_id", order.shop_id.0.to_string()),
        ("placed_at", order.placed_at.0.to_string()),
        ("device_id", order.device_id.map_or(0, |id| id.0).to_string()),
        ("contact_id", order.contact_id.map_or(0, |id| id.0).to_string()),
        ("total_minor", order.total_minor.to_string()),
    ]
}

fn differences(kept: &Kept, order: &Order) -> Vec<(&'static str, String, String)> {
    let pairs = kept.iter().zip(made(order));
    pairs
        .filter(|((_, before), (_, after))| before != after)
        .map(|((name, before), (_, after))| (*name, before.clone(), after))
        .collect()
}
