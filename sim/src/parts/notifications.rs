//! Whoever got something was told so, once.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "notifications",
    rules: &[Rule {
        promise: "EffectsHappenOnce",
        wrong: "is how often the guest was told that the order has arrived",
        text: "select count(m.id) || ' for order ' || o.id from orders_orders o
            left join notifications_messages m on m.order_id = o.id and m.template = 'order_delivered'
            where o.state = 'delivered' group by o.id having count(m.id) <> 1",
    }],
};
