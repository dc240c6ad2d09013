//! Nobody cooks what nobody ordered.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "kitchen",
    rules: &[Rule {
        promise: "NoOrderIsLost",
        wrong: "is for no order",
        text: "select 'ticket ' || t.id from kitchen_tickets t left join orders_orders o on o.id = t.id where o.id is null",
    }],
};
