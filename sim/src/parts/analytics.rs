//! The figures count every order once.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "analytics",
    rules: &[Rule {
        promise: "EffectsHappenOnce",
        wrong: "is the sum of the days, not the number of orders",
        text: "select placed || ' against ' || there from (select
            (select coalesce(sum(s.orders), 0) from analytics_series s, analytics_state a where s.step = 'day' and s.generation = a.generation) as placed,
            (select count(*) from orders_orders) as there) where placed <> there",
    }],
};
