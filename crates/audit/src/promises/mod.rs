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

/// Whether a service has heard the event that an alias of `said` stands for. Names of its own are long, so that none is
/// that alias.
macro_rules! heard {
    ($service:literal, $event:literal) => {
        concat!(
            "(",
            $event,
            ".seq <= coalesce((select heard_upto.seq from cursors heard_upto where heard_upto.service = '",
            $service,
            "' and heard_upto.source = ",
            $event,
            ".source), 0) or exists (select 1 from ahead heard_ahead where heard_ahead.service = '",
            $service,
            "' and heard_ahead.source = ",
            $event,
            ".source and heard_ahead.seq = ",
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

/// Whether the platform is still at work and a service has yet to hear some news of an order, or has some in its dead letters.
macro_rules! still_to_hear {
    ($service:literal, $order:literal, $names:literal) => {
        concat!(
            "((select at_rest from given) = 0 and (exists (select 1 from said s where s.key = ",
            $order,
            " and s.name in (",
            $names,
            ") and not ",
            $crate::promises::heard!($service, "s"),
            ") or exists (select 1 from letters waiting where waiting.service = '",
            $service,
            "' and waiting.key = ",
            $order,
            ")))"
        )
    };
}

use {check, dropped, heard, parked, still_to_hear};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn what_is_heard_is_told_by_the_cursor_of_its_own_source_under_any_alias() {
        let connection = embedded::rusqlite::Connection::open_in_memory().unwrap();
        let text = "create table said (seq, source, key); create table cursors (service, source, seq); create table ahead (service, source, seq);
            insert into said values (3, 'orders', 7), (4, 'payments', 7), (6, 'payments', 7), (8, 'orders', 7);
            insert into cursors values ('kitchen', 'payments', 5), ('delivery', 'orders', 9); insert into ahead values ('kitchen', 'orders', 8)";
        connection.execute_batch(text).unwrap();
        for text in [
            concat!("select s.seq from said s where ", heard!("kitchen", "s")),
            concat!("select c.seq from said c where ", heard!("kitchen", "c")),
            concat!("select a.seq from said a where ", heard!("kitchen", "a")),
        ] {
            let mut heard = connection.prepare(text).unwrap();
            let heard: Vec<i64> = heard.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            assert_eq!(heard, [4, 8], "{text}");
        }
    }

    #[test]
    fn every_check_has_a_code_of_its_own_and_a_sentence() {
        let mut codes = BTreeSet::new();
        for check in crate::checks() {
            assert!(codes.insert(check.code), "{} is used twice", check.code);
            assert!(check.sentence.ends_with('.'), "{}", check.code);
        }
    }
}
