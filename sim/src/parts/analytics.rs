//! The figures count every order once, and every thing of it.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "analytics",
    rules: &[
        Rule {
            promise: "EffectsHappenOnce",
            wrong: "is the sum of the days, not the number of orders",
            text: "select placed || ' against ' || there from (select
                (select coalesce(sum(s.orders), 0) from analytics_series s, analytics_state a where s.step = 'day' and s.generation = a.generation) as placed,
                (select count(*) from orders_orders) as there) where placed <> there",
            by_clock: false,
        },
        Rule {
            promise: "EffectsHappenOnce",
            wrong: "by its stretches differs from what it is in all",
            text: "select s.step || ', ' || sum(s.orders) || ' ' || sum(s.delivered) || ' ' || sum(s.cancelled) || ' ' || sum(s.revenue_minor)
                from analytics_series s join analytics_state a on a.generation = s.generation where s.step <> 'door' group by s.shop_id, s.step
                having (sum(s.orders), sum(s.delivered), sum(s.cancelled), sum(s.revenue_minor)) <>
                    (select w.orders, w.delivered, w.cancelled, w.revenue_minor from analytics_series w
                     where w.generation = a.generation and w.shop_id = s.shop_id and w.step = 'all')",
            by_clock: false,
        },
        Rule {
            promise: "EffectsHappenOnce",
            wrong: "is what was sold by the figures and by the orders",
            text: "select figures || ' against ' || orders from (select
                (select coalesce(sum(i.quantity), 0) || ' for ' || coalesce(sum(i.revenue_minor), 0)
                    from analytics_items i join analytics_state a on a.generation = i.generation) as figures,
                (select coalesce(sum(i.quantity), 0) || ' for ' || coalesce(sum(i.total_minor), 0)
                    from orders_items i join orders_orders o on o.id = i.order_id where o.state = 'delivered') as orders) where figures <> orders",
            by_clock: false,
        },
        Rule {
            promise: "EffectsHappenOnce",
            wrong: "is what went back by the figures and by the payments",
            text: "select figures || ' against ' || payments from (select
                (select coalesce(sum(s.refunded_minor), 0) from analytics_series s join analytics_state a on a.generation = s.generation
                    where s.step = 'all') as figures,
                (select coalesce(sum(refunded_minor), 0) from payments_payments) as payments) where figures <> payments",
            by_clock: false,
        },
    ],
};
