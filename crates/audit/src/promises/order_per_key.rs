//! `OrderPerKey`: what one service said of one key stands in its order, and was heard in it.

use super::{check, heard, parked};
use crate::check::Check;

pub(super) const CHECKS: &[Check] = &[
    check!(
        OrderPerKey, "said_out_of_order", ["log"],
        "{later} was said before {earlier}.",
        "with steps (earlier, later) as (values ('order.created', 'order.cancelled'), ('payment.requested', 'order.paid'), ('payment.requested', 'payment.failed'),
             ('payment.promised', 'order.paid'), ('payment.requested', 'payment.voided'), ('payment.promised', 'payment.voided'), ('order.paid', 'payment.refunded'),
             ('cooking.started', 'order.ready'), ('cooking.started', 'cooking.failed'), ('order.shipped', 'order.delivered'))
         select b.key as order_id, p.earlier, p.later, b.seq from steps p join said a on a.name = p.earlier
         join said b on b.key = a.key and b.name = p.later and b.source = a.source and b.seq < a.seq",
    ),
    check!(
        OrderPerKey, "said_without_cause", ["log", "orders_orders"],
        "{later} was said, and {earlier} never was.",
        "with steps (earlier, later) as (values ('order.created', 'order.cancelled'), ('cooking.started', 'order.ready'), ('order.shipped', 'order.delivered'),
             ('order.created', 'stock.reserved'), ('stock.reserved', 'payment.requested'), ('stock.reserved', 'payment.promised'), ('order.paid', 'order.shipped'))
         select b.key as order_id, p.earlier, p.later, b.seq from steps p join said b on b.name = p.later join orders_orders o on o.id = b.key
         where o.accepted_at >= (select reach from given) and not exists (select 1 from said a where a.key = b.key
             and (a.name = p.earlier or (p.earlier = 'order.paid' and a.name = 'payment.promised')))",
    ),
    check!(
        OrderPerKey, "time_runs_backwards", ["log"],
        "{name} of {source} is {seconds} seconds older than what was said before it of the same key.",
        // When the clock itself was set back, what stands beside it in the log is as old.
        "select o.seq, o.name, o.source, o.key as about_id, (o.before - o.at) / 1000000 as seconds from
             (select s.seq, s.name, s.source, s.key, s.at, lag(s.at) over (partition by s.source, s.key order by s.seq) as before from said s) o, given g
         where o.before - o.at > g.tolerance
             and coalesce(abs((select l.at from said l where l.seq < o.seq order by l.seq desc limit 1) - o.at) > g.tolerance, true)
             and coalesce(abs((select r.at from said r where r.seq > o.seq order by r.seq limit 1) - o.at) > g.tolerance, true)",
    ),
    check!(
        OrderPerKey, "ahead_of_nothing", [],
        "{service} keeps event {seq} of {source} as done ahead, and its cursor is at {cursor_seq} already.",
        "select a.service, a.source, a.seq, c.seq as cursor_seq from ahead a join cursors c on c.service = a.service and c.source = a.source where a.seq <= c.seq",
    ),
    check!(
        OrderPerKey, "ahead_of_the_log", ["log"],
        "{service} has heard event {seq} of {source} ahead, and {source} never said it.",
        "select a.service, a.source, a.seq from ahead a where not exists (select 1 from said s where s.seq = a.seq and s.source = a.source)",
    ),
    check!(
        OrderPerKey, "cursor_beyond_the_log", ["log", "platform_meta"],
        "{service} has heard {source} up to {seq}; the log has come to {high_seq}.",
        "with high as (select max(coalesce((select max(seq) from said), 0), coalesce((select cast(value as integer) from platform_meta where key = 'log_high'), 0)) as high_seq)
         select c.service, c.source, c.seq, h.high_seq from cursors c, high h where c.seq > h.high_seq",
    ),
    check!(
        OrderPerKey, "heard_out_of_order", ["log"],
        "{service} has heard {later} and not yet {earlier}, which {source} said before it.",
        "with steps (service, earlier, later) as (values ('payments', 'order.created', 'order.cancelled'), ('inventory', 'order.created', 'order.cancelled'),
             ('orders', 'cooking.started', 'order.ready'), ('orders', 'order.shipped', 'order.delivered'), ('orders', 'payment.promised', 'order.paid'),
             ('kitchen', 'order.created', 'order.cancelled'), ('delivery', 'order.created', 'order.cancelled'))
         select p.service, p.earlier, p.later, h.source, h.seq, h.key as order_id from ahead h0 join said h on h.seq = h0.seq
         join steps p on p.service = h0.service and p.later = h.name join said s on s.key = h.key and s.source = h.source and s.name = p.earlier and s.seq < h.seq
         where s.seq > (select c.seq from cursors c where c.service = h0.service and c.source = h0.source)
         and not exists (select 1 from ahead a where a.service = h0.service and a.source = h0.source and a.seq = s.seq)",
    ),
    check!(
        OrderPerKey, "paid_before_it_was_reserved", ["log", "payments_payments"],
        "Payments asked for money, and has neither heard stock.reserved nor could it know.",
        concat!(
            "select r.key as order_id, r.seq from said r join said s on s.key = r.key and s.name = 'stock.reserved'
             where r.name in ('payment.requested', 'payment.promised') and not ",
            heard!("payments", "s"),
            " and not ",
            parked!("payments", "s")
        ),
    ),
];
