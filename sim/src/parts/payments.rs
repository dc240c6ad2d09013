//! Money that was asked for is accounted for.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "payments",
    rules: &[Rule {
        promise: "MoneyIsConserved",
        wrong: "has no payment",
        text: "select 'order ' || o.id from orders_orders o left join payments_payments p on p.id = o.id
            where o.state = 'delivered' and p.id is null",
        by_clock: false,
    }],
};
