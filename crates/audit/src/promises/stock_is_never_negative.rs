//! `StockIsNeverNegative`: levels, the ledger and what orders hold tell the same story.

use super::{check, dropped, still_to_hear};
use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[
    check!(
        StockIsNeverNegative, "term_below_zero", ["inventory_levels"],
        "available {available}, reserved {reserved}, consumed {consumed}, received {received}, wasted {wasted}: a term is below zero.",
        "select l.id as stock_id, l.available, l.reserved, l.consumed, l.received, l.wasted from inventory_levels l
         where min(l.available, l.reserved, l.consumed, l.received, l.wasted) < 0",
    ),
    check!(
        StockIsNeverNegative, "out_of_balance", ["inventory_levels"],
        "{came_in} came in for good; {is_there} is there, set aside or used up.",
        "select l.id as stock_id, l.received + l.corrected - l.wasted as came_in, l.available + l.reserved + l.consumed as is_there from inventory_levels l
         where l.received + l.corrected - l.wasted <> l.available + l.reserved + l.consumed",
    ),
    check!(
        StockIsNeverNegative, "ledger_differs", ["inventory_levels", "inventory_movements", "inventory_reservations", "inventory_openings"],
        "The level is {kept}, the ledger says {computed} (available/reserved/consumed, received/corrected/wasted).",
        // Once for each reservation: its needs are text, and most are moved twice.
        "with moved as materialized (
             select m.order_id, sum(case m.kind when 'reserve' then -1 when 'release' then 1 else 0 end) as available,
                 sum(case m.kind when 'reserve' then 1 when 'release' then -1 when 'consume' then -1 else 0 end) as reserved,
                 sum(case m.kind when 'consume' then 1 else 0 end) as consumed
             from inventory_movements m where m.stock_id is null group by m.order_id),
         needs as materialized (
             select v.available, v.reserved, v.consumed, json_extract(n.value, '$[0]') as stock_id, json_extract(n.value, '$[1]') as quantity
             from moved v join inventory_reservations r on r.order_id = v.order_id, json_each(r.needs) n),
         terms as (
             select m.stock_id, m.quantity as available, 0 as reserved, 0 as consumed,
                 case m.kind when 'receive' then m.quantity else 0 end as received,
                 case m.kind when 'count' then m.quantity else 0 end as corrected,
                 case m.kind when 'waste' then -m.quantity else 0 end as wasted
             from inventory_movements m where m.stock_id is not null
             union all
             select n.stock_id, n.quantity * n.available, n.quantity * n.reserved, n.quantity * n.consumed, 0, 0, 0 from needs n
             union all
             select b.id, b.received + b.corrected - b.wasted - b.consumed, 0, b.consumed, b.received, b.corrected, b.wasted from inventory_openings b),
         sums as materialized (select stock_id, sum(available) as available, sum(reserved) as reserved, sum(consumed) as consumed,
             sum(received) as received, sum(corrected) as corrected, sum(wasted) as wasted from terms group by stock_id),
         told as materialized (select stock_id, available || '/' || reserved || '/' || consumed || ', ' || received || '/' || corrected || '/' || wasted as told from sums),
         kept as materialized (select id as stock_id, available || '/' || reserved || '/' || consumed || ', ' || received || '/' || corrected || '/' || wasted as told from inventory_levels)
         select k.stock_id, k.told as kept, coalesce(t.told, '0/0/0, 0/0/0') as computed from kept k left join told t on t.stock_id = k.stock_id
         where k.told <> coalesce(t.told, '0/0/0, 0/0/0')
         union all select t.stock_id, 'not there', t.told from told t where t.stock_id not in (select stock_id from kept)",
    ),
    check!(
        StockIsNeverNegative, "reserved_is_not_held", ["inventory_levels", "inventory_reservations"],
        "{reserved} is set aside, orders hold {held}.",
        "with held as materialized (select json_extract(n.value, '$[0]') as stock_id, sum(json_extract(n.value, '$[1]')) as held
             from inventory_reservations r, json_each(r.needs) n where r.state = 'held' group by 1)
         select l.id as stock_id, l.reserved, coalesce(h.held, 0) as held from inventory_levels l left join held h on h.stock_id = l.id
         where l.reserved <> coalesce(h.held, 0)",
    ),
    check!(
        StockIsNeverNegative, "cancelled_still_holds", ["inventory_reservations", "orders_orders"],
        "The order was cancelled and still holds stock.",
        concat!(
            "select o.id as order_id from orders_orders o join inventory_reservations r on r.order_id = o.id
             where o.state = 'cancelled' and r.state = 'held' and not ",
            still_to_hear!("inventory", "o.id", "'order.cancelled'")
        ),
    ),
    check!(
        StockIsNeverNegative, "delivered_not_used_up", ["inventory_reservations", "orders_orders"],
        "The order was delivered; what it needs is {reservation}.",
        concat!(
            "select o.id as order_id, coalesce(r.state, 'not even set aside') as reservation
             from orders_orders o left join inventory_reservations r on r.order_id = o.id
             where o.state = 'delivered' and coalesce(r.state, '') <> 'consumed'
             and not (r.order_id is null and ", dropped!("inventory", "o.id"), ") and not ",
            still_to_hear!("inventory", "o.id", "'cooking.started', 'order.shipped'")
        ),
    ),
    check!(
        StockIsNeverNegative, "reservation_never_moved", ["inventory_reservations", "inventory_movements"],
        "The reservation is {state}, and the ledger does not show how it came to that.",
        "select r.order_id, r.state from inventory_reservations r where r.needs <> '[]' and (
             (r.state in ('held', 'released', 'consumed') and not exists
                 (select 1 from inventory_movements m where m.id = r.taken_by and m.order_id = r.order_id and m.kind = 'reserve'))
             or (r.state in ('released', 'consumed') and not exists
                 (select 1 from inventory_movements m where m.id = r.ended_by and m.order_id = r.order_id
                  and m.kind = case r.state when 'released' then 'release' else 'consume' end)))",
    ),
];
