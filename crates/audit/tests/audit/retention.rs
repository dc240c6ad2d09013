//! What ended long ago is dropped, and the audit knows what was dropped on purpose from what is missing.

use std::path::Path;
use std::time::Duration;

use audit::{Inputs, JournalEntry, Report};
use base::Timestamp;
use base::id::OrderId;
use embedded::rusqlite::Connection;
use host::keeper::retain_at;
use host::testing::{Platform, Scratch, staff};
use orders_api::orders_client::OrdersClient;
use orders_api::{Order, RebuildRequest};

use crate::sound::{Busy, Customers, key, open_set};

/// For how long the work is kept.
const A_SEASON: Duration = Duration::from_secs(90 * 86_400);
/// For how long the books are kept.
const TEN_YEARS: Duration = Duration::from_secs(3_650 * 86_400);

/// What is lost of the work, and the check that finds it.
const LOST_WORK: [(&str, &str); 4] = [
    ("kitchen_forgot_an_order", "delete from kitchen_tickets where id = {late}"),
    ("inventory_forgot_an_order", "delete from inventory_reservations where order_id = {late}"),
    ("delivery_forgot_an_order", "delete from delivery_deliveries where id = {late}"),
    ("notifications_forgot_an_order", "delete from notifications_orders where order_id = {late}"),
];
/// What is lost of the books, and the check that finds it.
const LOST_BOOKS: [(&str, &str); 6] = [
    ("payments_forgot_an_order", "delete from payments_payments where id = {late}"),
    ("said_order_missing", "delete from orders_orders where id = {late}"),
    ("acknowledged_order_missing", "delete from orders_orders where id = {late}"),
    ("statistics_differ", "update orders_statistics set orders = orders - 1"),
    ("ledger_differs", "update inventory_openings set consumed = consumed - 1"),
    ("ledger_differs", "delete from inventory_openings"),
];

/// How many rows there are of what orders leave behind.
#[derive(Debug, PartialEq, Eq)]
struct Rows {
    orders: i64,
    happenings: i64,
    lines: i64,
    contacts: i64,
    payments: i64,
    money: i64,
    reservations: i64,
    movements: i64,
    tickets: i64,
    deliveries: i64,
    notes: i64,
    log: i64,
}

fn rows(file: &Path) -> Rows {
    let connection = Connection::open(file).expect("the file opens");
    let count = |table: &str| -> i64 {
        let text = format!("select count(*) from {table}");
        connection.query_row(&text, [], |row| row.get(0)).expect("the table can be counted")
    };
    Rows {
        orders: count("orders_orders"),
        happenings: count("orders_events"),
        lines: count("orders_items"),
        contacts: count("orders_contacts"),
        payments: count("payments_payments"),
        money: count("payments_transactions"),
        reservations: count("inventory_reservations"),
        movements: count("inventory_movements"),
        tickets: count("kitchen_tickets"),
        deliveries: count("delivery_deliveries"),
        notes: count("notifications_orders"),
        log: count("log"),
    }
}

impl Busy {
    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("comanda.db")
    }

    fn audit(&self, file: &Path, journal: &[&Order]) -> Report {
        let (key, books) = (key(), self.folder.path().join("provider.db"));
        let journal = journal.iter().map(|order| JournalEntry {
            reference: "a client's".to_owned(),
            order_id: OrderId(order.order_id),
            total_minor: order.total_minor,
        });
        let now = self.platform.now();
        let inputs = Inputs { provider_books: Some(&books), journal: journal.collect(), ..Inputs::new(file, &key, now) };
        audit::run(&inputs).expect("the audit runs")
    }

    /// Lets retention do its work as if it were that time.
    async fn retain(&self, at: Timestamp) {
        self.platform.settled().await;
        retain_at(self.platform.inner(), at).await.expect("what is old goes");
    }
}

async fn ended(platform: &Platform, orders: &[(&Order, &str)]) {
    for (order, state) in orders {
        Customers { platform }.reaches(order, state).await;
    }
    platform.settled().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ended_long_ago_goes_what_runs_stays_and_the_audit_tells_it_from_a_loss() {
    let busy = open_set(&[]).await;
    let customers = Customers { platform: &busy.platform };
    let card = customers.place(1, 1, "card", "tok_visa").await;
    let cash = customers.place(2, 1, "cash", "").await;
    let declined = customers.place(3, 1, "card", "tok_declined").await;
    let short = customers.place(4, 900, "card", "tok_visa").await;
    ended(&busy.platform, &[(&card, "delivered"), (&cash, "delivered"), (&declined, "cancelled"), (&short, "cancelled")]).await;
    let running = customers.place(5, 40, "card", "tok_visa").await;
    customers.reaches(&running, "cooking").await;
    busy.platform.settled().await;
    let between = busy.platform.now() + Duration::from_millis(1);
    busy.platform
        .eventually("the clock goes on", || async {
            Ok(if busy.platform.now() > between { Ok(()) } else { Err("not yet".to_owned()) })
        })
        .await;
    let late = customers.place(6, 1, "card", "tok_declined").await;
    ended(&busy.platform, &[(&late, "cancelled")]).await;
    let journal = [&card, &cash, &declined, &short, &running, &late];
    let before = rows(&busy.file());
    assert_eq!((before.orders, before.payments, before.tickets, before.deliveries, before.notes), (6, 6, 6, 6, 6));

    busy.retain(between + A_SEASON - Duration::from_secs(86_400)).await;
    assert_eq!(rows(&busy.file()), before, "a day before, everything is there");

    busy.retain(between + A_SEASON).await;
    let work = rows(&busy.file());
    assert_eq!((work.tickets, work.deliveries, work.reservations, work.notes), (2, 2, 1, 1), "{work:?}");
    assert_eq!((work.orders, work.payments, work.happenings, work.log), (6, 6, before.happenings, before.log), "books stay");
    // Received, counted, thrown away; reserved and released for the one that came late.
    assert_eq!(work.movements, 3 + 2, "{before:?} {work:?}");
    let report = busy.audit(&busy.file(), &journal);
    assert!(report.is_clean(), "{}", report.text(&key()));
    losses_are_found(&busy, &journal, &late, &LOST_WORK);
    losses_are_found(&busy, &journal, &late, &LOST_BOOKS);

    busy.retain(between + TEN_YEARS).await;
    let books = rows(&busy.file());
    assert_eq!((books.orders, books.contacts, books.lines), (2, 2, 2), "{books:?}");
    // Of the running one the money has ended: it is paid. What is left is the refusal of the late one.
    assert_eq!((books.payments, books.money), (1, 1), "{books:?}");
    let report = busy.audit(&busy.file(), &journal);
    assert!(report.is_clean(), "{}", report.text(&key()));
    assert_eq!((report.facts.numbers["orders"], report.facts.numbers["orders_dropped"]), (2, 4));
    losses_are_found(&busy, &journal, &late, &LOST_BOOKS);

    // Built again, the statistics still count what is gone.
    let mut shop = OrdersClient::new(busy.platform.channel("orders", staff()));
    let statistics = RebuildRequest { projection: "statistics".to_owned(), ..RebuildRequest::default() };
    shop.rebuild_projection(statistics).await.expect("it is built again");
    let report = busy.audit(&busy.file(), &journal);
    assert!(report.is_clean(), "{}", report.text(&key()));

    ended(&busy.platform, &[(&running, "delivered")]).await;
    busy.retain(busy.platform.now() + Duration::from_secs(60) + TEN_YEARS).await;
    let report = busy.audit(&busy.file(), &journal);
    assert!(report.is_clean(), "{}", report.text(&key()));
    let nothing = rows(&busy.file());
    assert_eq!((nothing.orders, nothing.lines, nothing.movements, nothing.payments, nothing.log), (0, 0, 0, 0, 0), "{nothing:?}");
}

/// Takes away what retention has kept, and sees the audit find it.
fn losses_are_found(busy: &Busy, journal: &[&Order], late: &Order, losses: &[(&str, &str)]) {
    for (code, text) in losses {
        let scratch = Scratch::new();
        let copy = scratch.path().join("copy.db");
        let file = Connection::open(busy.file()).expect("the file opens");
        file.execute("vacuum into ?1", [copy.to_string_lossy()]).expect("the file can be copied");
        let spoilt = Connection::open(&copy).expect("the copy opens");
        spoilt.execute_batch(&text.replace("{late}", &late.order_id.to_string())).expect("the copy can be spoilt");
        let report = busy.audit(&copy, journal);
        assert!(report.violations.iter().any(|found| found.code == *code), "{code}: {}", report.text(&key()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_of_a_platform_with_steady_work_stops_growing() {
    // Messages expire by the clock of the platform: here after a second.
    let busy = open_set(&[("notification_days", "0.00001")]).await;
    let (platform, customers) = (&busy.platform, Customers { platform: &busy.platform });
    let file = Connection::open(busy.file()).expect("the file opens");
    let number = |text: &str| file.query_row(text, [], |row| row.get::<_, i64>(0)).expect("the file can be asked");
    let mut pages = Vec::new();
    for _ in 0..8 {
        let mut orders = Vec::new();
        for device in 0..30 {
            let (quantity, payment, token, state) = match device % 15 {
                0 => (1, "card", "tok_visa", "delivered"),
                1 => (1, "cash", "", "delivered"),
                2..9 => (1, "card", "tok_declined", "cancelled"),
                _ => (900, "card", "tok_visa", "cancelled"),
            };
            orders.push((customers.place(device, quantity, payment, token).await, state));
        }
        let orders: Vec<(&Order, &str)> = orders.iter().map(|(order, state)| (order, *state)).collect();
        ended(platform, &orders).await;
        platform
            .eventually("messages have expired", || async {
                let left = number("select count(*) from notifications_messages");
                Ok(if left == 0 { Ok(()) } else { Err(format!("{left} are left")) })
            })
            .await;
        busy.retain(platform.now() + Duration::from_secs(60) + TEN_YEARS).await;
        pages.push(number("pragma page_count"));
    }
    // What a round needs is there after the first; later ones find room in what was freed. How many rows share a page
    // depends on the order in which all was written: that is a page more or less.
    let most = pages[1..3].iter().max().copied().unwrap_or_default() + 1;
    assert!(pages[3..].iter().all(|pages| *pages <= most), "{pages:?}");
    assert_eq!(number("select count(*) from orders_orders"), 0);
}
