//! The board shows what is open, and no order stands still until its last deadline.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "orders",
    rules: &[
        Rule {
            promise: "EffectsHappenOnce",
            wrong: "is over and stands on the board",
            text: "select 'order ' || o.id || ', ' || o.state from orders_orders o join orders_board b on b.order_id = o.id
                where o.state in ('delivered', 'cancelled')",
            by_clock: false,
        },
        Rule {
            promise: "EveryOrderEnds",
            // The net below all others: where everybody hears and does what is theirs, nothing falls so deep.
            wrong: "stood still until its last deadline, though all was well",
            text: "select 'order ' || id from orders_orders where state = 'cancelled' and json_extract(ending, '$.reason') = 'too_late'",
            by_clock: false,
        },
    ],
};
