//! `EveryOrderEnds`: delivered or cancelled with a reason, in time; and whoever is open has a timer that will end it.

use super::check;
use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[
    check!(
        EveryOrderEnds, "state_unknown", ["orders_orders"],
        "The order is `{state}`: no such state exists.",
        "select o.id as order_id, o.state from orders_orders o where o.state not in (select word from states)",
    ),
    check!(
        EveryOrderEnds, "cancelled_without_reason", ["orders_orders"],
        "The order is cancelled, and it is not known why or by whom.",
        "select o.id as order_id from orders_orders o where o.state = 'cancelled' and (o.ending is null
         or coalesce(json_extract(o.ending, '$.reason'), '') = '' or coalesce(json_extract(o.ending, '$.by'), '') = '')",
    ),
    check!(
        EveryOrderEnds, "ending_of_a_living_order", ["orders_orders"],
        "The order is {state}, and yet it has a reason for its cancelling.",
        "select o.id as order_id, o.state from orders_orders o where o.state <> 'cancelled' and o.ending is not null",
    ),
    check!(
        EveryOrderEnds, "order_overdue", ["orders_orders"],
        "The order is {state} since {hours} hours: its last deadline has passed.",
        "select o.id as order_id, o.state, ((select now from given) - o.accepted_at) / 3600000000 as hours from orders_orders o
         where o.state not in (select word from states where is_over) and o.accepted_at < (select oldest from given)",
    ),
    check!(
        EveryOrderEnds, "open_at_rest", ["orders_orders"],
        "Nothing is on its way any more, and the order is still {state}.",
        "select o.id as order_id, o.state from orders_orders o
         where (select at_rest from given) = 1 and o.state not in (select word from states where is_over)",
    ),
    check!(
        EveryOrderEnds, "open_without_deadline", ["orders_orders", "orders_jobs"],
        "The order is {state}, and no timer will ever end it.",
        "select o.id as order_id, o.state from orders_orders o where o.state not in (select word from states where is_over)
         and not exists (select 1 from jobs j where j.service = 'orders' and j.kind = 'deadline' and j.key = o.id)
         and not exists (select 1 from letters l where l.service = 'orders' and l.what = 'job' and l.kind = 'deadline' and l.key = o.id)",
    ),
    check!(
        EveryOrderEnds, "ending_never_said", ["orders_orders", "log"],
        "The order is {state}, and nobody was told.",
        "select o.id as order_id, o.state from orders_orders o where o.state in ('delivered', 'cancelled') and o.accepted_at >= (select reach from given)
         and not exists (select 1 from said s where s.key = o.id and s.name = 'order.' || o.state)",
    ),
    check!(
        EveryOrderEnds, "ticket_open_at_rest", ["kitchen_tickets"],
        "Nothing is on its way any more, and the kitchen still has a ticket of the order.",
        "select t.id as order_id, t.ticket_id from kitchen_tickets t where (select at_rest from given) = 1 and t.is_open",
    ),
    check!(
        EveryOrderEnds, "delivery_open_at_rest", ["delivery_deliveries"],
        "Nothing is on its way any more, and delivery still has something to do for the order.",
        "select d.id as order_id, d.delivery_id from delivery_deliveries d where (select at_rest from given) = 1 and d.is_open",
    ),
];
