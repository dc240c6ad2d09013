//! The file of a year: one row per pizza, rows of one order side by side.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use base::{Fault, ShopClock, Timestamp};
use serde::Deserialize;

/// One order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastOrder {
    /// The file's own name for it, such as `2015-000001`.
    pub reference: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// The month in the shop's time zone, such as `2015-01`.
    pub month: String,
    /// What was ordered: item, size, how many.
    pub lines: Vec<(String, String, i64)>,
    /// What the file says it cost, in minor units.
    pub total_minor: i64,
}

#[derive(Deserialize)]
struct Row {
    id: String,
    date: String,
    time: String,
    name: String,
    size: String,
    price: String,
}

/// Reads a file, gzipped when its name says so; times are the shop's local time.
#[allow(clippy::disallowed_methods)] // A command that reads a file.
pub fn read(path: &Path, clock: &ShopClock, limit: usize) -> Result<Vec<PastOrder>, Fault> {
    let failed = |error: &dyn std::fmt::Display| {
        Fault::not_found("replay_file_unreadable", format!("{} cannot be read.", path.display())).because(error)
    };
    let file = std::fs::File::open(path).map_err(|error| failed(&error))?;
    let reader: Box<dyn Read> = if path.extension().is_some_and(|end| end == "gz") {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut orders: Vec<PastOrder> = Vec::new();
    for row in csv::Reader::from_reader(reader).into_deserialize::<Row>() {
        let row = row.map_err(|error| failed(&error))?;
        let minor =
            minor_of(&row.price).ok_or_else(|| Fault::invalid("bad_price", format!("`{}` is not a price.", row.price)))?;
        if orders.last().is_none_or(|order| order.reference != row.id) {
            if orders.len() == limit {
                break;
            }
            let placed_at = clock.at(&row.date, &row.time)?;
            orders.push(PastOrder {
                reference: row.id,
                placed_at,
                month: clock.business_month(placed_at),
                lines: Vec::new(),
                total_minor: 0,
            });
        }
        let order = orders.last_mut().expect("one was just pushed if there was none");
        order.total_minor += minor;
        match order.lines.iter_mut().find(|(name, size, _)| *name == row.name && *size == row.size) {
            Some(line) => line.2 += 1,
            None => order.lines.push((row.name, row.size, 1)),
        }
    }
    Ok(orders)
}

/// Reads a price such as `13.25`, `16` or `20.5` as cents, without floating point.
fn minor_of(price: &str) -> Option<i64> {
    let (whole, part) = price.split_once('.').unwrap_or((price, ""));
    let part = match part.len() {
        0 => 0,
        1 => part.parse::<i64>().ok()? * 10,
        2 => part.parse::<i64>().ok()?,
        _ => return None,
    };
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)
}

/// Sums orders by month.
pub fn months(orders: &[PastOrder]) -> BTreeMap<String, (i64, i64)> {
    let mut months = BTreeMap::new();
    for order in orders {
        let sum: &mut (i64, i64) = months.entry(order.month.clone()).or_default();
        sum.0 += 1;
        sum.1 += order.total_minor;
    }
    months
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_is_whole_to_the_cent() {
        let clock = ShopClock::new("America/New_York", 0).unwrap();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/pizzaplace/pizzaplace.csv.gz");
        let orders = read(&path, &clock, usize::MAX).unwrap();
        assert_eq!(orders.len(), 21_350);
        assert_eq!(orders.iter().map(|order| order.total_minor).sum::<i64>(), 81_786_005);
        assert_eq!(orders.iter().flat_map(|order| &order.lines).map(|line| line.2).sum::<i64>(), 49_574);
        assert_eq!(months(&orders).len(), 12);
        assert_eq!(read(&path, &clock, 3).unwrap(), orders[..3]);
    }

    #[test]
    fn prices_are_read_without_floating_point() {
        assert_eq!(
            [minor_of("13.25"), minor_of("16"), minor_of("20.5"), minor_of("1.234"), minor_of("x")],
            [Some(1_325), Some(1_600), Some(2_050), None, None]
        );
    }
}
