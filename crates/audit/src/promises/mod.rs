//! The checks, promise by promise.

mod effects_happen_once;
mod every_order_ends;
mod money_is_conserved;
mod no_order_is_lost;
mod nothing_is_swallowed;
mod order_per_key;
mod stock_is_never_negative;

use crate::check::Check;

/// All of them.
pub(crate) const ALL: [&[Check]; 7] = [
    no_order_is_lost::CHECKS,
    every_order_ends::CHECKS,
    money_is_conserved::CHECKS,
    stock_is_never_negative::CHECKS,
    effects_happen_once::CHECKS,
    order_per_key::CHECKS,
    nothing_is_swallowed::CHECKS,
];

/// A check that is one query.
macro_rules! check {
    ($promise:ident, $code:literal, [$($table:literal),*], $sentence:expr, $text:expr $(,)?) => {
        $crate::check::Check {
            promise: $crate::report::Promise::$promise,
            code: $code,
            tables: &[$($table),*],
            sentence: $sentence,
            find: $crate::check::Find::Rows($text),
        }
    };
}

/// Whether a service has heard the event that an alias of `said` stands for.
macro_rules! heard {
    ($service:literal, $event:literal) => {
        concat!(
            "(",
            $event,
            ".seq <= coalesce((select c.seq from cursors c where c.service = '",
            $service,
            "' and c.source = ",
            $event,
            ".source), 0) or exists (select 1 from ahead a where a.service = '",
            $service,
            "' and a.source = ",
            $event,
            ".source and a.seq = ",
            $event,
            ".seq))"
        )
    };
}

/// Whether a service has an event of this key in its dead letters, or somebody gave one up.
macro_rules! parked {
    ($service:literal, $event:literal) => {
        concat!(
            "(exists (select 1 from letters l where l.service = '",
            $service,
            "' and l.key = ",
            $event,
            ".key) or exists (select 1 from given_up g where g.service = '",
            $service,
            "' and g.key = ",
            $event,
            ".key))"
        )
    };
}

/// Whether a service may have dropped what it kept about an order, because the order is old enough. An order of that age
/// that has not ended is found for that.
macro_rules! dropped {
    ($service:literal, $order:literal) => {
        concat!("(", $order, " < coalesce((select t.ids_below from trimmed t where t.service = '", $service, "'), 0))")
    };
}

/// Whether the platform is still at work and a service has yet to hear some news of an order.
macro_rules! still_to_hear {
    ($service:literal, $order:literal, $names:literal) => {
        concat!(
            "((select at_rest from given) = 0 and exists (select 1 from said s where s.key = ",
            $order,
            " and s.name in (",
            $names,
            ") and not ",
            $crate::promises::heard!($service, "s"),
            "))"
        )
    };
}

use {check, dropped, heard, parked, still_to_hear};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_check_has_a_code_of_its_own_and_a_sentence() {
        let mut codes = BTreeSet::new();
        for check in crate::checks() {
            assert!(codes.insert(check.code), "{} is used twice", check.code);
            assert!(check.sentence.ends_with('.'), "{}", check.code);
        }
    }
}
