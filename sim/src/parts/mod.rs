//! What each service promises of its own when a world is at rest, beside the eight promises: one file for each.
//!
//! A rule is a query over the tables of the platform that gives a line for each violation. A service without a part does
//! not take part in the world, and `cargo xtask check` says so.

mod analytics;
mod catalog;
mod delivery;
mod inventory;
mod kitchen;
mod notifications;
mod orders;
mod payments;

use base::Fault;
use embedded::Database;

/// What one service promises of its own at rest.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The service.
    pub service: &'static str,
    /// Its rules.
    pub rules: &'static [Rule],
}

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// The promise that is broken with it.
    pub promise: &'static str,
    /// What is wrong with what the query gives.
    pub wrong: &'static str,
    /// Gives a text for each violation.
    pub text: &'static str,
    /// Whether it compares times: it says nothing of a world whose clocks jumped.
    pub by_clock: bool,
}

/// All of them.
pub const PARTS: &[Part] = &[
    analytics::PART,
    catalog::PART,
    delivery::PART,
    inventory::PART,
    kitchen::PART,
    notifications::PART,
    orders::PART,
    payments::PART,
];

/// The most violations of one rule that are told.
const TOLD_MAX: usize = 5;

/// Gives what is wrong by the rules of the services.
pub fn judge(database: &Database, clocks_jumped: bool) -> Result<Vec<String>, Fault> {
    let mut wrong = Vec::new();
    let rules = PARTS.iter().flat_map(|part| part.rules.iter().map(|rule| (part.service, rule)));
    for (service, rule) in rules.filter(|(_, rule)| !(rule.by_clock && clocks_jumped)) {
        let found: Vec<String> = database
            .read(|connection| connection.prepare_cached(rule.text)?.query_map([], |row| row.get(0))?.take(TOLD_MAX).collect())?;
        wrong.extend(found.into_iter().map(|text| format!("{}: {service}: {text} {}", rule.promise, rule.wrong)));
    }
    Ok(wrong)
}

#[cfg(test)]
mod tests {
    use embedded::rusqlite;

    use super::*;

    #[test]
    fn every_service_of_the_binary_takes_part() {
        let mut services: Vec<&str> = comanda::services::all().iter().map(host::Service::name).collect();
        services.sort_unstable();
        let mut parts: Vec<&str> = PARTS.iter().map(|part| part.service).collect();
        parts.sort_unstable();
        assert_eq!(parts, services);
    }

    /// Puts a row into a table as a defect would have left it: what is not said is nothing.
    fn put(connection: &rusqlite::Connection, table: &str, row: &[(&str, &str)]) -> rusqlite::Result<()> {
        let mut columns = connection.prepare(&format!("select name, type from pragma_table_info('{table}')"))?;
        let columns: Vec<(String, String)> =
            columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
        let value = |(name, kind): &(String, String)| match row.iter().find(|(known, _)| known == name) {
            Some((_, value)) => (*value).to_owned(),
            None if kind == "text" => "''".to_owned(),
            None => "0".to_owned(),
        };
        let names = columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let values = columns.iter().map(value).collect::<Vec<_>>().join(", ");
        connection.execute(&format!("insert into {table} ({names}) values ({values})"), []).map(|_| ())
    }

    type Defect = fn(&rusqlite::Connection) -> rusqlite::Result<()>;

    #[test]
    fn each_rule_sees_what_it_is_for() {
        let fresh = crate::house::fresh().unwrap();
        let defects: &[(&str, &str, Defect)] = &[
            ("analytics", "number of orders", |rows| put(rows, "orders_orders", &[("id", "1"), ("state", "'cancelled'")])),
            ("analytics", "in all", |rows| {
                put(rows, "analytics_series", &[("generation", "1"), ("step", "'all'"), ("orders", "2")])?;
                put(rows, "analytics_series", &[("generation", "1"), ("step", "'month'"), ("orders", "1")])
            }),
            ("analytics", "was sold", |rows| {
                put(rows, "orders_orders", &[("id", "1"), ("state", "'delivered'")])?;
                put(rows, "orders_items", &[("order_id", "1"), ("quantity", "2"), ("total_minor", "700")])?;
                put(rows, "analytics_items", &[("generation", "1"), ("quantity", "1"), ("revenue_minor", "700")])
            }),
            ("analytics", "went back", |rows| put(rows, "payments_payments", &[("id", "1"), ("refunded_minor", "5")])),
            ("catalog", "more often", |rows| rows.execute("update catalog_items set version = version + 1", []).map(|_| ())),
            ("delivery", "without a delivery", |rows| put(rows, "orders_orders", &[("id", "1"), ("state", "'delivered'")])),
            ("inventory", "holds stock", |rows| put(rows, "inventory_reservations", &[("order_id", "1"), ("state", "'held'")])),
            ("kitchen", "for no order", |rows| put(rows, "kitchen_tickets", &[("id", "1")])),
            // Two dishes, each for ten microseconds; the second begins while the first is there.
            ("kitchen", "another dish", |rows| {
                put(rows, "kitchen_tickets", &[("id", "1"), ("lines", "'[{\"b\":[[[0,0,0,10],[1,0,10,10]]]}]'")])?;
                put(rows, "kitchen_tickets", &[("id", "2"), ("starts_at", "9"), ("lines", "'[{\"b\":[[[0,0,0,10]]]}]'")])
            }),
            ("notifications", "has arrived", |rows| put(rows, "orders_orders", &[("id", "1"), ("state", "'delivered'")])),
            ("notifications", "guest was told", |rows| {
                put(rows, "log_kinds", &[("id", "99"), ("kind", "'payment.refunded.v1'")])?;
                put(rows, "log", &[("seq", "9001"), ("kind_id", "99"), ("key", "1")])?;
                put(rows, "log", &[("seq", "9002"), ("kind_id", "99"), ("key", "1")])?;
                put(rows, "notifications_messages", &[("id", "1"), ("order_id", "1"), ("template", "'payment_refunded'")])
            }),
            ("orders", "on the board", |rows| {
                put(rows, "orders_orders", &[("id", "1"), ("state", "'delivered'")])?;
                put(rows, "orders_board", &[("order_id", "1")])
            }),
            ("orders", "last deadline", |rows| {
                let ending = "'{\"reason\":\"too_late\",\"by\":\"platform\",\"fee_minor\":0}'";
                put(rows, "orders_orders", &[("id", "1"), ("state", "'cancelled'"), ("ending", ending)])
            }),
            ("payments", "has no payment", |rows| put(rows, "orders_orders", &[("id", "1"), ("state", "'delivered'")])),
        ];
        for (number, (service, words, defect)) in defects.iter().enumerate() {
            let disk = sim_disk::Disk::new(number as u64);
            disk.put(crate::house::FILE, fresh.clone());
            disk.start();
            let options = embedded::Options {
                mode: embedded::Mode::Inline,
                vfs: Some(disk.vfs().to_owned()),
                ..embedded::Options::default()
            };
            let database = Database::open(crate::house::FILE, options).unwrap();
            assert_eq!(judge(&database, false).unwrap(), Vec::<String>::new());
            let kernel = crate::kernel::Kernel::new(0, 1_000);
            kernel.run(database.write(|tx| Ok(defect(tx.connection())?))).unwrap().unwrap();
            let wrong = judge(&database, false).unwrap();
            let is_seen = |wrong: &String| wrong.contains(&format!(": {service}: ")) && wrong.contains(words);
            assert!(wrong.iter().any(is_seen), "{service}, {words}: {wrong:?}");
        }
    }
}
