//! `NoOrderIsLost`: what was acknowledged is there, with its whole history.

use super::{check, dropped};
use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[
    check!(
        NoOrderIsLost, "acknowledged_order_missing", ["orders_orders"],
        "The order that the client knows as {reference} was acknowledged and is not there.",
        concat!(
            "select j.order_id, j.reference from journal j where not exists (select 1 from orders_orders o where o.id = j.order_id) and not ",
            dropped!("orders", "j.order_id")
        ),
    ),
    check!(
        NoOrderIsLost, "acknowledged_total_differs", ["orders_orders"],
        "The order that the client knows as {reference} was acknowledged at {acknowledged} and costs {total_minor}.",
        "select j.order_id, j.reference, j.total_minor as acknowledged, o.total_minor
         from journal j join orders_orders o on o.id = j.order_id where o.total_minor <> j.total_minor",
    ),
    check!(
        NoOrderIsLost, "order_without_beginning", ["orders_orders", "orders_events"],
        "The history of the order does not begin with its placing.",
        "select o.id as order_id from orders_orders o where not exists
         (select 1 from orders_events e where e.order_id = o.id and e.version = 1 and json_extract(e.data, '$.kind') = 'placed')",
    ),
    check!(
        NoOrderIsLost, "history_has_holes", ["orders_orders", "orders_events"],
        "The order is at version {version}, its history has {happenings} happenings up to version {last}.",
        "select o.id as order_id, o.version, count(e.id) as happenings, coalesce(max(e.version), 0) as last
         from orders_orders o left join orders_events e on e.order_id = o.id group by o.id
         having count(e.id) <> o.version or count(distinct e.version) <> o.version
             or coalesce(max(e.version), 0) <> o.version or coalesce(min(e.version), 0) <> 1",
    ),
    check!(
        NoOrderIsLost, "history_without_order", ["orders_orders", "orders_events"],
        "There are {happenings} happenings of an order that is not there.",
        "select e.order_id, count(*) as happenings from orders_events e
         where not exists (select 1 from orders_orders o where o.id = e.order_id) group by e.order_id",
    ),
    check!(
        NoOrderIsLost, "order_never_said", ["orders_orders", "log"],
        "The order is there and nobody was told: order.created was never said.",
        "select o.id as order_id from orders_orders o where o.accepted_at >= (select reach from given)
         and not exists (select 1 from said s where s.key = o.id and s.name = 'order.created')",
    ),
    check!(
        NoOrderIsLost, "said_order_missing", ["orders_orders", "log"],
        "order.created was said of an order that is not there.",
        concat!(
            "select s.key as order_id, s.seq from said s where s.name = 'order.created' and not exists (select 1 from orders_orders o where o.id = s.key) and not ",
            dropped!("orders", "s.key")
        ),
    ),
    check!(
        NoOrderIsLost, "lines_lost", ["orders_events", "orders_items"],
        "The order was placed with {placed_lines} lines at {placed_minor}, and keeps {lines} at {lines_minor}.",
        "with placed as materialized (
             select e.order_id, count(*) as lines, sum(json_extract(l.value, '$.quantity') * json_extract(l.value, '$.unit_minor')) as minor
             from orders_events e, json_each(e.data, '$.lines') l where e.version = 1 group by e.order_id),
         kept as materialized (select order_id, count(*) as lines, sum(total_minor) as minor from orders_items group by order_id)
         select p.order_id, p.lines as placed_lines, p.minor as placed_minor, coalesce(k.lines, 0) as lines, coalesce(k.minor, 0) as lines_minor
         from placed p left join kept k on k.order_id = p.order_id where p.lines is not k.lines or p.minor is not k.minor",
    ),
];
