//! Nothing is set aside for ever.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "inventory",
    rules: &[Rule {
        promise: "StockIsNeverNegative",
        wrong: "holds stock although all is at rest",
        text: "select 'order ' || order_id from inventory_reservations where state = 'held'",
        by_clock: false,
    }],
};
