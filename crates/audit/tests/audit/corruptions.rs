//! Every check finds what was done to a sound platform, and a sound platform is clean.

use std::collections::{BTreeMap, BTreeSet};

use audit::{JournalEntry, Promise, Report};
use base::id::{Id, OrderId, PaymentId};

use crate::sound::{Copy, key, sound};

/// What was done by hand.
enum Deed {
    /// To the platform's data.
    Data(&'static str),
    /// To the provider's books.
    Books(&'static str),
    /// To what the client wrote down.
    Journal(fn(&mut Vec<JournalEntry>)),
}

use Deed::{Books, Data, Journal};

/// What was done, and the check that must find it.
const DEEDS: &[(&str, Deed)] = &[
    // NoOrderIsLost
    ("acknowledged_order_missing", Journal(|journal| journal.push(JournalEntry { reference: "lost".to_owned(), order_id: OrderId(42), total_minor: 1 }))),
    ("acknowledged_order_missing", Data("delete from orders_orders where id = {card}; delete from orders_events where order_id = {card}; delete from log where key = {card}")),
    ("acknowledged_total_differs", Journal(|journal| journal[0].total_minor += 1)),
    ("order_without_beginning", Data("update orders_events set data = '{\"kind\":\"money_taken\"}' where order_id = {cash} and version = 1")),
    ("order_without_beginning", Data("delete from orders_events where order_id = {cash}")),
    ("history_has_holes", Data("delete from orders_events where order_id = {card} and version = 2")),
    ("history_has_holes", Data("update orders_orders set version = version + 1 where id = {card}")),
    ("history_without_order", Data("delete from orders_orders where id = {short}")),
    ("order_never_said", Data("delete from log where key = {card} and kind_id in (select id from log_kinds where kind = 'order.created.v1')")),
    ("said_order_missing", Data("delete from orders_orders where id = {declined}")),
    ("lines_lost", Data("delete from orders_items where order_id = {refunded}")),
    ("lines_lost", Data("update orders_items set total_minor = 1 where order_id = {refunded}")),
    // EveryOrderEnds
    ("state_unknown", Data("update orders_orders set state = 'limbo' where id = {card}")),
    ("cancelled_without_reason", Data("update orders_orders set ending = null where id = {declined}")),
    ("cancelled_without_reason", Data("update orders_orders set ending = json_set(ending, '$.reason', '') where id = {declined}")),
    ("cancelled_without_reason", Data("update orders_orders set ending = 'nonsense' where id = {declined}")),
    ("ending_of_a_living_order", Data("update orders_orders set ending = (select ending from orders_orders where id = {declined}) where id = {card}")),
    ("order_overdue", Data("update orders_orders set state = 'cooking', accepted_at = {now} - 133200000000 where id = {card}")),
    ("open_at_rest", Data("update orders_orders set state = 'ready' where id = {card}")),
    ("open_without_deadline", Data("update orders_orders set state = 'ready' where id = {card}")),
    ("ending_never_said", Data("delete from log where key = {card} and kind_id in (select id from log_kinds where kind = 'order.delivered.v1')")),
    ("ticket_open_at_rest", Data("update kitchen_tickets set state = 2, is_open = 1 where id = {card}")),
    ("delivery_open_at_rest", Data("update delivery_deliveries set is_open = 1 where id = {card}")),
    // MoneyIsConserved
    ("total_is_not_the_sum", Data("update orders_orders set total_minor = total_minor + 1 where id = {card}")),
    ("amount_is_not_the_total", Data("update payments_payments set amount_minor = amount_minor - 1 where id = {card}")),
    ("delivered_not_paid", Data("update payments_payments set taken_minor = 0 where id = {card}")),
    ("delivered_not_paid", Data("update payments_payments set refunded_minor = 5 where id = {cash}")),
    ("delivered_not_paid", Data("delete from payments_payments where id = {cash}")),
    ("cancelled_not_given_back", Data("update payments_payments set refunded_minor = 0 where id = {refunded}")),
    ("taken_for_nothing", Data("delete from orders_orders where id = {card}")),
    ("payment_moving_at_rest", Data("update payments_payments set state = 'withdrawing' where id = {declined}")),
    ("movements_differ", Data("update payments_transactions set amount_minor = amount_minor + 1 where payment_id = {card}")),
    ("movements_differ", Data("update payments_transactions set done = 0 where payment_id = {refunded} and kind = 'refund'")),
    ("movement_of_nothing", Data("delete from payments_payments where id = {refunded}")),
    ("taken_twice", Data("insert into payments_transactions (id, payment_id, kind, amount_minor, provider_id, done, at) select 7, payment_id, kind, amount_minor, 'ch_7', 1, at from payments_transactions where payment_id = {card}")),
    ("more_back_than_taken", Data("update payments_payments set refunded_minor = 1000000 where id = {refunded}")),
    ("books_captured_twice", Books("insert into provider_charges select 7, key || '-again', token, capture, order_reference, amount_minor, currency, state, reason, captured_minor, refunded_minor, at from provider_charges where captured_minor > 0 limit 1")),
    ("books_know_a_stranger", Books("update provider_charges set key = 'nobody' || id where captured_minor > 0")),
    ("books_know_a_stranger", Data("delete from payments_payments where id = {card}")),
    ("books_disagree", Books("update provider_charges set captured_minor = captured_minor - 1 where captured_minor > 0")),
    ("books_disagree", Books("update provider_charges set refunded_minor = 0")),
    ("books_disagree", Books("delete from provider_charges")),
    ("cash_on_the_way", Data("update delivery_deliveries set cash_taken_minor = cash_taken_minor + 1 where id = {cash}")),
    // StockIsNeverNegative
    ("term_below_zero", Data("update inventory_levels set available = -1")),
    ("out_of_balance", Data("update inventory_levels set available = available + 1")),
    ("ledger_differs", Data("update inventory_levels set available = available + 1, corrected = corrected + 1")),
    ("ledger_differs", Data("delete from inventory_movements where order_id = {card} and kind = 'consume'")),
    ("ledger_differs", Data("insert into inventory_movements (id, shop_id, kind, order_id, stock_id, quantity, at, principal, reason) values (7, 1, 'receive', null, 99, 5, 0, '', '')")),
    ("reserved_is_not_held", Data("update inventory_reservations set state = 'held' where order_id = {card}")),
    ("reserved_is_not_held", Data("update inventory_levels set reserved = reserved + 1, available = available - 1")),
    ("cancelled_still_holds", Data("update inventory_reservations set state = 'held' where order_id = {refunded}")),
    ("delivered_not_used_up", Data("update inventory_reservations set state = 'released' where order_id = {card}")),
    ("delivered_not_used_up", Data("delete from inventory_reservations where order_id = {cash}")),
    ("reservation_never_moved", Data("update inventory_reservations set taken_by = null where order_id = {card}")),
    ("reservation_never_moved", Data("update inventory_reservations set ended_by = 7 where order_id = {card}")),
    // EffectsHappenOnce
    ("state_is_not_its_history", Data("update orders_orders set state = 'shipped' where id = {card}")),
    ("state_is_not_its_history", Data("update orders_orders set paid = 0 where id = {card}")),
    ("state_is_not_its_history", Data("update orders_events set data = '{' where order_id = {card} and version = 2")),
    ("said_twice", Data("insert into log (kind_id, key, at, correlation, data) select kind_id, key, at, correlation, data from log where key = {card} and kind_id in (select id from log_kinds where kind = 'stock.reserved.v1')")),
    ("said_both_ways", Data("insert into log_kinds (source, topic, kind) values ('payments', 'payment-events', 'payment.failed.v1');
        insert into log (kind_id, key, at, correlation, data) select max(id), {card}, {now}, '', '{}' from log_kinds")),
    ("said_both_ways", Data("insert into log (kind_id, key, at, correlation, data) select id, {cash}, {now}, '', '{}' from log_kinds where kind = 'order.cancelled.v1'")),
    ("moved_twice", Data("insert into inventory_movements (id, shop_id, kind, order_id, stock_id, quantity, at, principal, reason) select 7, shop_id, kind, order_id, stock_id, quantity, at, '', '' from inventory_movements where order_id = {card} and kind = 'consume'")),
    ("moved_twice", Data("update inventory_movements set kind = 'release' where order_id = {card} and kind = 'reserve'")),
    ("money_said_differs", Data("update log set data = json_set(data, '$.amount_minor', 1) where key = {card} and kind_id in (select id from log_kinds where kind = 'order.paid.v1')")),
    ("money_said_differs", Data("delete from log where kind_id in (select id from log_kinds where kind = 'payment.refunded.v1')")),
    ("board_differs", Data("insert into orders_board (order_id, shop_id) values ({card}, 1)")),
    ("board_differs", Data("update orders_orders set state = 'paid' where id = {card}")),
    ("statistics_differ", Data("update orders_statistics set orders = orders + 1 where state = 'delivered'")),
    ("statistics_differ", Data("delete from orders_statistics where state = 'delivered'")),
    ("mine_differs", Data("delete from orders_mine where order_id = {card}")),
    ("mine_differs", Data("update orders_mine set device_id = 99 where order_id = {card}")),
    ("ticket_is_not_what_was_said", Data("update kitchen_tickets set state = 1 where id = {card}")),
    ("delivery_is_not_what_was_said", Data("update delivery_deliveries set state = 2 where id = {card}")),
    ("delivery_is_not_what_was_said", Data("update delivery_deliveries set state = 3 where id = {refunded}")),
    ("told_twice", Data("insert into notifications_messages (id, order_id, template, nth, device_id, params, at, expires_at) select 7, order_id, template, 1, device_id, params, at, expires_at from notifications_messages where order_id = {card} limit 1")),
    ("counted_twice", Data("update analytics_counts set events = events + 1 where kind = 'order.paid'")),
    ("counted_twice", Data("delete from analytics_counts where kind = 'order.created'")),
    ("figures_differ", Data("update analytics_series set revenue_minor = revenue_minor - 1 where step = 'all'")),
    // OrderPerKey
    ("said_out_of_order", Data("update log set seq = 1000 where key = {card} and kind_id in (select id from log_kinds where kind = 'cooking.started.v1')")),
    ("said_without_cause", Data("delete from log where key = {card} and kind_id in (select id from log_kinds where kind = 'stock.reserved.v1')")),
    ("time_runs_backwards", Data("update log set at = at - 600000000 where key = {card} and kind_id in (select id from log_kinds where kind = 'order.ready.v1')")),
    ("ahead_of_nothing", Data("insert into payments_ahead (source, seq) values ('orders', 1)")),
    ("ahead_of_the_log", Data("insert into payments_ahead (source, seq) values ('orders', 5000)")),
    ("cursor_beyond_the_log", Data("update payments_cursors set seq = 5000 where source = 'orders'")),
    ("heard_out_of_order", Data("update orders_cursors set seq = 0 where source = 'kitchen';
        insert into orders_ahead (source, seq) select 'kitchen', l.seq from log l join log_kinds k on k.id = l.kind_id where l.key = {card} and k.kind = 'order.ready.v1'")),
    ("paid_before_it_was_reserved", Data("update payments_cursors set seq = 0 where source = 'inventory'")),
    // NothingIsSwallowed
    ("inventory_forgot_an_order", Data("delete from inventory_reservations where order_id = {short}")),
    ("payments_forgot_an_order", Data("delete from payments_payments where id = {short}")),
    ("payments_did_not_act", Data("update payments_payments set state = 'requested' where id = {refunded}")),
    ("payments_did_not_act", Data("update payments_payments set state = 'expected' where id = {card}")),
    ("payment_nobody_works_on", Data("update payments_payments set state = 'requested' where id = {card}")),
    ("payment_nobody_works_on", Data("update payments_payments set state = 'withdrawing' where id = {refunded}")),
    ("refund_nobody_works_on", Data("update payments_transactions set done = 0 where payment_id = {refunded} and kind = 'refund'")),
    ("orders_did_not_act", Data("update orders_orders set state = 'ready' where id = {card}")),
    ("orders_did_not_act", Data("update orders_orders set state = 'reserved' where id = {declined}")),
    ("orders_did_not_note_the_money", Data("update orders_orders set paid = 0 where id = {cash}")),
    ("kitchen_forgot_an_order", Data("delete from kitchen_tickets where id = {card}")),
    ("kitchen_did_not_act", Data("update kitchen_tickets set state = 0 where id = {card}")),
    ("delivery_forgot_an_order", Data("delete from delivery_deliveries where id = {card}")),
    ("delivery_did_not_act", Data("update delivery_deliveries set state = 0 where id = {card}")),
    ("notifications_forgot_an_order", Data("delete from notifications_orders where order_id = {card}")),
    ("letter_without_cause", Data("insert into payments_parked values (7, 'event', 'orders', 1, 'order.created.v1', {card}, '{}', ' ', 3, 0, null)")),
    ("letter_behind_nothing", Data("insert into payments_parked values (7, 'event', 'orders', 1, 'order.created.v1', {card}, '{}', 'it waits', 0, 0, 6)")),
    ("letter_behind_a_stranger", Data("insert into payments_parked values (6, 'event', 'orders', 1, 'order.created.v1', {cash}, '{}', 'broken', 3, 0, null);
        insert into payments_parked values (7, 'event', 'orders', 1, 'order.created.v1', {card}, '{}', 'it waits', 0, 0, 6)")),
    ("letter_not_yet_heard", Data("insert into payments_parked values (7, 'event', 'orders', 4000, 'order.created.v1', {card}, '{}', 'broken', 3, 0, null)")),
    ("job_forgotten", Data("insert into payments_jobs (id, kind, key, due, wake, deadline, attempts, lease, body, correlation) values (7, 'charge', 1, 0, 0, 1, 3, 0, '', '')")),
    ("event_unreadable", Data("update log set kind_id = 9999 where seq = 3")),
    ("event_unreadable", Data("update log set data = '{' where seq = 3")),
    ("log_has_holes", Data("delete from log where seq = 3")),
];

fn audited(deed: &Deed) -> Report {
    let mut copy = sound().copy();
    match deed {
        Data(text) => copy.spoil(text),
        Books(text) => copy.spoil_books(text),
        Journal(change) => change(&mut copy.journal),
    }
    copy.audit()
}

/// Finds everything that was done against one promise, by the check that is meant to.
fn found(promise: Promise) {
    let promises: BTreeMap<&str, Promise> = audit::checks().map(|check| (check.code, check.promise)).collect();
    let mut deeds = 0;
    for (number, (code, deed)) in DEEDS.iter().enumerate().filter(|(_, (code, _))| promises[code] == promise) {
        let report = audited(deed);
        let seen = report.violations.iter().any(|violation| violation.code == *code && violation.promise == promise);
        assert!(seen, "deed {number} was not found by {code}: {}", report.text(&key()));
        deeds += 1;
    }
    assert!(deeds >= 3, "{deeds} deeds are too few");
}

#[test]
fn a_sound_platform_is_clean_and_nothing_was_skipped() {
    let report = sound().copy().audit();
    assert!(report.is_clean(), "{}", report.text(&key()));
    assert_eq!(report.facts.skipped, [] as [&str; 0]);
    let of = |name: &str| report.facts.numbers[name];
    assert_eq!((of("orders"), of("orders_delivered"), of("orders_cancelled"), of("orders_in_flight")), (5, 2, 3, 0));
    assert_eq!((of("revenue_minor"), of("journal_entries")), (6_625, 5));
}

#[test]
fn lost_orders_are_found() {
    found(Promise::NoOrderIsLost);
}

#[test]
fn orders_that_do_not_end_are_found() {
    found(Promise::EveryOrderEnds);
}

#[test]
fn money_that_is_not_conserved_is_found() {
    found(Promise::MoneyIsConserved);
}

#[test]
fn stock_that_is_not_conserved_is_found() {
    found(Promise::StockIsNeverNegative);
}

#[test]
fn effects_that_happened_twice_are_found() {
    found(Promise::EffectsHappenOnce);
}

#[test]
fn what_is_out_of_order_is_found() {
    found(Promise::OrderPerKey);
}

#[test]
fn what_was_swallowed_is_found() {
    found(Promise::NothingIsSwallowed);
}

#[test]
fn every_check_has_a_deed_that_it_finds() {
    let deeds: BTreeSet<&str> = DEEDS.iter().map(|(code, _)| *code).collect();
    let checks: BTreeSet<&str> = audit::checks().map(|check| check.code).collect();
    assert_eq!(checks.difference(&deeds).collect::<Vec<_>>(), [] as [&&str; 0], "nothing shows that these can fire");
    assert_eq!(deeds.difference(&checks).collect::<Vec<_>>(), [] as [&&str; 0], "no such checks");
}

/// Spoils a copy so that something is on its way: its services have yet to hear some news.
fn on_its_way(text: &str) -> Copy<'static> {
    let mut copy = sound().copy();
    copy.at_rest = false;
    copy.spoil(text);
    copy
}

#[test]
fn what_is_still_on_its_way_is_no_violation_until_nothing_moves_any_more() {
    for text in [
        "update payments_payments set state = 'promised', taken_minor = 0 where id = {cash}; delete from payments_transactions where payment_id = {cash};
         delete from log where key = {cash} and kind_id in (select id from log_kinds where kind = 'order.paid.v1');
         update payments_cursors set seq = 0 where source = 'delivery'",
        "update orders_orders set state = 'cooking' where id = {card}; insert into orders_jobs (id, kind, key, due, wake, deadline, attempts, lease, body, correlation) values (7, 'deadline', {card}, {now} + 1, {now} + 1, null, 0, 0, 'last', '');
         delete from orders_board; insert into orders_board values ({card}, 1)",
    ] {
        let mut copy = on_its_way(text);
        let money = [Promise::MoneyIsConserved, Promise::EveryOrderEnds];
        let report = copy.audit();
        let broken: Vec<_> = report.violations.iter().filter(|violation| money.contains(&violation.promise)).collect();
        assert!(broken.is_empty(), "{broken:?}");
        copy.at_rest = true;
        assert!(copy.audit().violations.iter().any(|violation| money.contains(&violation.promise)), "{text}");
    }
}

#[test]
fn books_that_know_nothing_of_a_charge_are_seen_while_others_are_on_their_way() {
    let mut copy = sound().copy();
    copy.at_rest = false;
    copy.spoil_books("delete from provider_charges; delete from provider_operations");
    assert!(copy.audit().violations.iter().any(|violation| violation.code == "books_disagree"));
}

#[test]
fn a_log_that_keeps_only_the_newest_events_is_sound() {
    let copy = sound().copy();
    copy.spoil("insert or replace into platform_meta (key, value) select 'log_high', max(seq) from log; delete from log where seq <= (select max(seq) - 5 from log)");
    let report = copy.audit();
    assert!(report.is_clean(), "{}", report.text(&key()));
}

#[test]
fn a_letter_stands_for_what_was_not_done() {
    let copy = sound().copy();
    copy.spoil("delete from inventory_reservations where order_id = {short}; insert into inventory_parked values (7, 'event', 'orders', 1, 'order.created.v1', {short}, '{}', 'broken', 3, 0, null)");
    let report = copy.audit();
    assert!(report.is_clean(), "{}", report.text(&key()));
    assert_eq!(report.facts.numbers["dead_letters"], 1);
}

#[test]
fn a_letter_that_somebody_gave_up_is_accounted_for() {
    // Older versions say whom a letter is about only when it is parked, and of one that waits behind another nothing is said then.
    for kind in ["parked.v1", "discarded.v2"] {
        let copy = sound().copy();
        copy.spoil(&format!(
            "delete from inventory_reservations where order_id = {{short}};
             insert into log_kinds (source, topic, kind) values ('inventory', 'dlq-events', 'dead_letter.{kind}');
             insert into log (kind_id, key, at, correlation, data) select max(id), 7, {{now}}, '', '{{\"dead_letter_id\":7,\"about\":{{short}}}}' from log_kinds"
        ));
        assert!(!copy.audit().is_clean(), "nobody gave it up yet");
        copy.spoil("insert into inventory_acts (id, at, principal, act, subject, reason) values (1, {now}, 'staff', 'discard_dead_letter', '7', 'a test')");
        let report = copy.audit();
        assert!(report.is_clean(), "{}", report.text(&key()));
    }
}

#[test]
fn what_staff_gave_back_of_a_delivered_order_is_accounted_for() {
    let copy = sound().copy();
    copy.spoil("update payments_payments set refunded_minor = 5 where id = {card}");
    let finds = || copy.audit().violations.iter().any(|violation| violation.code == "delivered_not_paid");
    assert!(finds());
    let payment = PaymentId(sound().orders["card"]).show(&key());
    copy.spoil(&format!("insert into payments_acts (id, at, principal, act, subject, reason) values (1, {{now}}, 'staff', 'refund', '{payment}', 'cold')"));
    assert!(!finds());
}

#[test]
fn of_too_many_violations_a_hundred_are_named_and_the_others_counted() {
    let mut copy = sound().copy();
    copy.journal.extend((1..=250).map(|number| JournalEntry {
        reference: number.to_string(),
        order_id: OrderId(number),
        total_minor: 1,
    }));
    let report = copy.audit();
    assert_eq!((report.violations.len(), report.rest[0].count, report.count()), (100, 150, 250));
    let text = report.text(&key());
    assert!(text.contains("NoOrderIsLost         BROKEN, 250 times") && text.contains("and 150 more"), "{text}");
    assert!(text.contains("order_id ord_"), "ids are shown as the outside knows them");
    assert_eq!(report.json(&key())["violations"][0]["promise"], "NoOrderIsLost");
}

#[test]
fn an_audit_works_on_what_is_there_and_writes_nothing() {
    let copy = sound().copy();
    copy.spoil("drop table inventory_levels; drop table kitchen_tickets");
    let report = copy.audit();
    assert!(report.is_clean(), "{}", report.text(&key()));
    assert!(report.facts.skipped.iter().any(|skipped| skipped.contains("no inventory_levels")), "{:?}", report.facts.skipped);
}
