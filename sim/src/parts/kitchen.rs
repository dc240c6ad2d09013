//! Nobody cooks what nobody ordered, and no two dishes at one time in one place.

use super::{Part, Rule};

pub(super) const PART: Part = Part {
    service: "kitchen",
    rules: &[
        Rule {
            promise: "NoOrderIsLost",
            wrong: "is for no order",
            text: "select 'ticket ' || t.id from kitchen_tickets t left join orders_orders o on o.id = t.id where o.id is null",
            by_clock: false,
        },
        Rule {
            promise: "EffectsHappenOnce",
            wrong: "was promised to another dish for that time",
            text: "with steps as (select t.id, s.value ->> 0 as station, s.value ->> 1 as place,
                    t.starts_at + (s.value ->> 2) as begins, t.starts_at + (s.value ->> 2) + (s.value ->> 3) as ends
                    from kitchen_tickets t, json_each(t.lines) l, json_each(l.value, '$.b') d, json_each(d.value) s where (s.value ->> 3) > 0),
                lined as (select id, station, place, begins, max(ends) over
                    (partition by station, place order by begins, ends rows between unbounded preceding and 1 preceding) as taken from steps)
                select 'place ' || place || ' of station ' || station || ', where order ' || id || ' is cooked,' from lined where begins < taken",
            by_clock: true,
        },
    ],
};
