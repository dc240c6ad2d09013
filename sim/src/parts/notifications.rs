//! Whoever got something was told so, once; and so with all that is told, unless an operator has given up telling it.

use super::{Part, Rule};

/// Whether an operator has given up telling something about an order.
macro_rules! given_up {
    ($order:literal) => {
        concat!(
            "exists (select 1 from notifications_acts a join log g
                on a.act = 'discard_dead_letter' and a.subject = cast(json_extract(g.data, '$.dead_letter_id') as text)
                where json_extract(g.data, '$.about') = ",
            $order,
            ")"
        )
    };
}

pub(super) const PART: Part = Part {
    service: "notifications",
    rules: &[
        Rule {
            promise: "EffectsHappenOnce",
            wrong: "is how often the guest was told that the order has arrived",
            text: concat!(
                "select count(m.id) || ' for order ' || o.id from orders_orders o
                left join notifications_messages m on m.order_id = o.id and m.template = 'order_delivered'
                where o.state = 'delivered' group by o.id having count(m.id) > 1
                    or count(m.id) = 0 and not ",
                given_up!("o.id")
            ),
            by_clock: false,
        },
        Rule {
            promise: "NothingIsSwallowed",
            wrong: "is how often the guest was told",
            text: concat!(
                "with words (kind, template) as (values ('order.created', 'order_received'), ('order.paid', 'order_paid'),
                    ('payment.promised', 'order_promised'), ('cooking.started', 'cooking_started'), ('order.shipped', 'order_shipped'),
                    ('order.delivered', 'order_delivered'), ('order.cancelled', 'order_cancelled'), ('payment.refunded', 'payment_refunded')),
                happened as materialized (select l.key, w.kind, w.template, count(*) as times from log l join log_kinds k on k.id = l.kind_id
                    join words w on k.kind like w.kind || '.v%' group by l.key, w.kind, w.template),
                told as materialized (select order_id, template, count(*) as times from notifications_messages group by order_id, template)
                select h.kind || ' of order ' || h.key || ' was said ' || h.times || ' times, and ' || coalesce(t.times, 0)
                from happened h left join told t on t.order_id = h.key and t.template = h.template where h.times <> coalesce(t.times, 0)
                and not (h.times > coalesce(t.times, 0) and ",
                given_up!("h.key"),
                ")"
            ),
            by_clock: false,
        },
    ],
};
