//! `NothingIsSwallowed`: what a service has heard left its trace, or lies in its dead letters with a cause.

use super::{check, dropped, heard, parked};
use crate::check::Check;

/// Events that a service has heard and not parked.
macro_rules! heard_by {
    ($service:literal, $names:literal) => {
        concat!("s.name in (", $names, ") and ", heard!($service, "s"), " and not ", parked!($service, "s"))
    };
}

pub(super) const CHECKS: &[Check] = &[
    check!(
        NothingIsSwallowed, "inventory_forgot_an_order", ["log", "inventory_reservations"],
        "Inventory has heard {name}, and there is neither a reservation nor a dead letter.",
        concat!(
            "select s.key as order_id, s.name, s.seq from said s where ", heard_by!("inventory", "'order.created', 'order.cancelled'"),
            " and not exists (select 1 from inventory_reservations r where r.order_id = s.key) and not ", dropped!("inventory", "s.key")
        ),
    ),
    check!(
        NothingIsSwallowed, "payments_forgot_an_order", ["log", "payments_payments"],
        "Payments has heard {name}, and there is neither a payment nor a dead letter.",
        concat!(
            "select s.key as order_id, s.name, s.seq from said s where ", heard_by!("payments", "'order.created', 'stock.reserved', 'order.cancelled'"),
            " and not exists (select 1 from payments_payments p where p.id = s.key) and not ", dropped!("payments", "s.key")
        ),
    ),
    check!(
        NothingIsSwallowed, "payments_did_not_act", ["log", "payments_payments"],
        "Payments has heard {name}, and the payment is still {state}.",
        concat!(
            "select s.key as order_id, s.name, p.state, s.seq from said s join payments_payments p on p.id = s.key where ",
            heard_by!("payments", "'order.created', 'stock.reserved', 'order.cancelled'"),
            " and ((s.name = 'order.created' and p.state = 'reserved') or (s.name = 'stock.reserved' and p.state = 'expected')
             or (s.name = 'order.cancelled' and p.state in ('reserved', 'expected', 'requested', 'promised')))"
        ),
    ),
    check!(
        NothingIsSwallowed, "payment_nobody_works_on", ["payments_payments", "payments_jobs"],
        "The payment is {state}, and there is neither a job nor a dead letter that would go on with it.",
        "select p.id as order_id, p.state from payments_payments p
         where (p.state = 'requested' and not exists (select 1 from jobs j where j.service = 'payments' and j.kind = 'charge' and j.key = p.id)
                and not exists (select 1 from letters l where l.service = 'payments' and l.what = 'job' and l.kind = 'charge' and l.key = p.id))
         or (p.state = 'withdrawing' and not exists (select 1 from jobs j where j.service = 'payments' and j.kind = 'withdraw' and j.key = p.id)
                and not exists (select 1 from letters l where l.service = 'payments' and l.what = 'job' and l.kind = 'withdraw' and l.key = p.id))",
    ),
    check!(
        NothingIsSwallowed, "refund_nobody_works_on", ["payments_transactions", "payments_jobs"],
        "{amount_minor} is to go back, and there is neither a job nor a dead letter that would do it.",
        "select t.payment_id as order_id, t.id as transaction_id, t.amount_minor from payments_transactions t where not t.done and t.kind = 'refund'
         and not exists (select 1 from jobs j where j.service = 'payments' and j.kind = 'refund' and j.key = t.id)
         and not exists (select 1 from letters l where l.service = 'payments' and l.what = 'job' and l.kind = 'refund' and l.key = t.id)",
    ),
    check!(
        NothingIsSwallowed, "orders_did_not_act", ["log", "orders_orders"],
        "Orders has heard {name}, and the order is still {state}.",
        concat!(
            "with least (name, word) as (values ('stock.reserved', 'reserved'), ('payment.promised', 'promised'), ('order.paid', 'paid'), ('cooking.started', 'cooking'),
                 ('order.ready', 'ready'), ('order.shipped', 'shipped'), ('order.delivered', 'delivered'), ('stock.rejected', 'delivered'),
                 ('payment.failed', 'delivered'), ('cooking.failed', 'delivered'), ('delivery.failed', 'delivered'), ('delivery.recalled', 'delivered'))
             select s.key as order_id, s.name, o.state, s.seq from said s join least m on m.name = s.name join states w on w.word = m.word
             join orders_orders o on o.id = s.key join states t on t.word = o.state where t.rank < w.rank and ",
            heard!("orders", "s"),
            " and not ",
            parked!("orders", "s")
        ),
    ),
    check!(
        NothingIsSwallowed, "orders_did_not_note_the_money", ["log", "orders_orders"],
        "Orders has heard order.paid, and the order is {state} and not paid.",
        concat!(
            "select s.key as order_id, o.state, s.seq from said s join orders_orders o on o.id = s.key where not o.paid and o.state <> 'cancelled' and ",
            heard_by!("orders", "'order.paid'")
        ),
    ),
    check!(
        NothingIsSwallowed, "kitchen_forgot_an_order", ["log", "kitchen_tickets"],
        "The kitchen has heard {name}, and there is neither a ticket nor a dead letter.",
        concat!(
            "select s.key as order_id, s.name, s.seq from said s where ", heard_by!("kitchen", "'order.created', 'payment.promised'"),
            " and not exists (select 1 from kitchen_tickets t where t.id = s.key) and not ", dropped!("kitchen", "s.key")
        ),
    ),
    check!(
        NothingIsSwallowed, "kitchen_did_not_act", ["log", "kitchen_tickets"],
        "The kitchen has heard both the order and its payment, and the ticket still waits.",
        // The numbers of the states are those of the kitchen: 0 waits for the payment, 7 for the order.
        concat!(
            "select s.key as order_id, s.seq from said s join kitchen_tickets t on t.id = s.key join said c on c.key = s.key and c.name = 'order.created'
             where t.state in (0, 7) and ", heard_by!("kitchen", "'order.paid', 'payment.promised'"), " and ", heard!("kitchen", "c"), " and not ", parked!("kitchen", "c")
        ),
    ),
    check!(
        NothingIsSwallowed, "letter_without_cause", [],
        "A dead letter of {service} ({kind}) does not say why it is one.",
        "select l.service, l.id as dead_letter_id, l.kind, l.key as about_id from letters l where trim(coalesce(l.cause, '')) = ''",
    ),
    check!(
        NothingIsSwallowed, "letter_behind_nothing", [],
        "A dead letter of {service} ({kind}) waits behind another one that is not there, and nobody took that away.",
        "select l.service, l.id as dead_letter_id, l.kind, l.behind as behind_id from letters l where l.behind is not null
         and not exists (select 1 from letters f where f.service = l.service and f.id = l.behind)
         and not exists (select 1 from acts a where a.service = l.service and a.subject = cast(l.behind as text))",
    ),
    check!(
        NothingIsSwallowed, "letter_behind_a_stranger", [],
        "A dead letter of {service} ({kind}) waits behind one of another key.",
        "select l.service, l.id as dead_letter_id, l.kind, l.behind as behind_id from letters l join letters f on f.service = l.service and f.id = l.behind
         where f.key <> l.key or f.source <> l.source or f.seq >= l.seq",
    ),
    check!(
        NothingIsSwallowed, "letter_not_yet_heard", [],
        "Event {seq} of {source} is a dead letter of {service}, which has not passed it: it will be heard once more.",
        "select l.service, l.source, l.seq, l.id as dead_letter_id from letters l where l.what = 'event'
         and l.seq > coalesce((select c.seq from cursors c where c.service = l.service and c.source = l.source), 0)
         and not exists (select 1 from ahead a where a.service = l.service and a.source = l.source and a.seq = l.seq)",
    ),
    check!(
        NothingIsSwallowed, "job_forgotten", [],
        "A job of {service} ({kind}) is past its deadline since {minutes} minutes, and nobody works on it or has parked it.",
        "select j.service, j.kind, j.id as job_id, j.key as about_id, ((select now from given) - j.deadline) / 60000000 as minutes from jobs j
         where j.deadline < (select now from given) - 3600000000 and j.wake < (select now from given) - 3600000000",
    ),
    check!(
        NothingIsSwallowed, "event_unreadable", ["log", "log_kinds"],
        "An event of the log cannot be read.",
        "select l.seq, l.key as about_id from log l left join log_kinds k on k.id = l.kind_id where k.id is null or not json_valid(l.data)",
    ),
    check!(
        NothingIsSwallowed, "log_has_holes", ["log", "platform_meta"],
        "The log lacks what stood before event {seq}.",
        "select l.seq from log l where l.seq > 1 and not exists (select 1 from log p where p.seq = l.seq - 1)
         and not exists (select 1 from platform_meta where key = 'log_high')",
    ),
    check!(
        NothingIsSwallowed, "delivery_forgot_an_order", ["log", "delivery_deliveries"],
        "Delivery has heard {name}, and there is neither a delivery nor a dead letter.",
        concat!(
            "select s.key as order_id, s.name, s.seq from said s where ", heard_by!("delivery", "'order.created', 'order.paid', 'payment.promised', 'order.ready'"),
            " and not exists (select 1 from delivery_deliveries d where d.id = s.key) and not ", dropped!("delivery", "s.key")
        ),
    ),
    check!(
        NothingIsSwallowed, "delivery_did_not_act", ["log", "delivery_deliveries"],
        "Delivery has heard the order, its payment and that it is ready, and still waits.",
        // The numbers of the states are those of delivery: 0 waits for news, 6 and 7 for the order.
        concat!(
            "select s.key as order_id, s.seq from said s join delivery_deliveries d on d.id = s.key join said c on c.key = s.key and c.name = 'order.created'
             where d.state in (0, 6, 7) and ", heard_by!("delivery", "'order.ready'"), " and ", heard!("delivery", "c"), " and not ", parked!("delivery", "c"),
            " and exists (select 1 from said p where p.key = s.key and p.name in ('order.paid', 'payment.promised') and ", heard!("delivery", "p"), ")"
        ),
    ),
    check!(
        NothingIsSwallowed, "notifications_forgot_an_order", ["log", "notifications_orders"],
        "Notifications has heard of the order, and there is neither a note of it nor a dead letter.",
        concat!(
            "select s.key as order_id, s.seq from said s where ", heard_by!("notifications", "'order.created'"),
            " and not exists (select 1 from notifications_orders n where n.order_id = s.key) and not ", dropped!("notifications", "s.key")
        ),
    ),
];
