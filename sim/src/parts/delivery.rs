//! What has arrived was carried.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "delivery",
    rules: &[Rule {
        promise: "EveryOrderEnds",
        wrong: "has arrived without a delivery",
        text: "select 'order ' || o.id from orders_orders o left join delivery_deliveries d on d.id = o.id
            where o.state = 'delivered' and d.id is null",
        by_clock: false,
    }],
};
