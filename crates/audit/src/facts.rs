//! What was looked at: counts and sums, so that a reader can tell an empty platform from a sound one.

use base::Fault;

use crate::Inputs;
use crate::report::Facts;
use crate::snapshot::Snapshot;

/// Each fact: its name, the tables it needs, the number.
const FACTS: &[(&str, &[&str], &str)] = &[
    ("orders", &["orders_orders"], "select count(*) from orders_orders"),
    ("orders_delivered", &["orders_orders"], "select count(*) from orders_orders where state = 'delivered'"),
    ("orders_cancelled", &["orders_orders"], "select count(*) from orders_orders where state = 'cancelled'"),
    (
        "orders_in_flight",
        &["orders_orders"],
        "select count(*) from orders_orders where state not in (select word from states where is_over)",
    ),
    ("orders_dropped", &["orders_closed"], "select sum(orders) from orders_closed"),
    ("revenue_minor", &["orders_orders"], "select sum(total_minor) from orders_orders where state = 'delivered'"),
    ("money_taken_minor", &["payments_payments"], "select sum(taken_minor) from payments_payments"),
    ("money_refunded_minor", &["payments_payments"], "select sum(refunded_minor) from payments_payments"),
    ("provider_charges", &["provider_charges"], "select count(*) from books"),
    ("provider_held_minor", &["provider_charges"], "select sum(captured_minor - refunded_minor) from books"),
    ("stock_items", &["inventory_levels"], "select count(*) from inventory_levels"),
    ("stock_movements", &["inventory_movements"], "select count(*) from inventory_movements"),
    ("tickets", &["kitchen_tickets"], "select count(*) from kitchen_tickets"),
    ("events", &["log"], "select count(*) from said"),
    ("events_first_seq", &["log"], "select min(seq) from said"),
    ("dead_letters", &[], "select count(*) from letters"),
    ("jobs", &[], "select count(*) from jobs"),
    ("jobs_due", &[], "select count(*) from jobs where wake <= (select now from given)"),
    ("journal_entries", &[], "select count(*) from journal"),
    ("bytes", &[], "select page_count * page_size from pragma_page_count, pragma_page_size"),
];

/// Counts everything.
pub(crate) fn collect(snapshot: &Snapshot, inputs: &Inputs<'_>, facts: &mut Facts) -> Result<(), Fault> {
    for (name, tables, text) in FACTS {
        if tables.iter().all(|table| snapshot.has(table)) {
            facts.numbers.insert((*name).to_owned(), snapshot.number(text)?);
        }
    }
    let of = |name: &str| facts.numbers.get(name).copied().unwrap_or(0);
    if of("orders") > 0 {
        let each = of("bytes") / of("orders");
        facts.numbers.insert("bytes_per_order".to_owned(), each);
    }
    if inputs.journal.is_empty() {
        facts.skipped.push("the journal: without one a lost order cannot be seen".to_owned());
    }
    if inputs.provider_books.is_none() {
        facts.skipped.push("the provider's books: none were given".to_owned());
    }
    Ok(())
}
