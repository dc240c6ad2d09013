//! The board shows what is.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "orders",
    rules: &[Rule {
        promise: "EffectsHappenOnce",
        wrong: "stands otherwise on the board",
        text: "select 'order ' || o.id || ', ' || o.state from orders_orders o left join orders_board b on b.order_id = o.id
            where b.order_id is not null and b.state <> o.state",
    }],
};
