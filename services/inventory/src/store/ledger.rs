//! The ledger: what moved, and the levels that follow from it.

use std::collections::BTreeMap;

use base::id::{OrderId, ShopId, StockId};
use base::{Fault, Timestamp};
use sql::{Row, Store, params};

use super::needs_from;
use crate::domain::Needs;

const NEWEST: &str = "select m.id, m.kind, m.order_id, m.stock_id, m.quantity, m.at, m.principal, m.reason, r.needs from inventory_movements m left join inventory_reservations r on r.order_id = m.order_id where m.id < $2 and m.shop_id = $1 order by m.id desc limit $3";
const OF_ORDER: &str = "select m.id, m.kind, m.order_id, m.stock_id, m.quantity, m.at, m.principal, m.reason, r.needs from inventory_reservations r join inventory_movements m on m.id = r.taken_by or m.id = r.ended_by where r.order_id = $1 and r.shop_id = $2 order by m.id desc";
/// Levels, movements and the opening balance in one statement, so that all are of the same moment.
const EVERYTHING: &str = "select 0, l.id, l.available, l.reserved, l.consumed, l.received, l.corrected, l.wasted, '', '' from inventory_levels l where l.shop_id = $1 union all select 1, coalesce(m.stock_id, 0), m.quantity, 0, 0, 0, 0, 0, m.kind, coalesce(r.needs, '') from inventory_movements m left join inventory_reservations r on r.order_id = m.order_id where m.shop_id = $1 union all select 2, o.id, o.received + o.corrected - o.wasted - o.consumed, 0, o.consumed, o.received, o.corrected, o.wasted, '', '' from inventory_openings o where o.shop_id = $1";

/// One row of the ledger.
#[derive(Debug, Clone)]
pub struct Movement {
    pub id: i64,
    pub kind: String,
    pub needs: Needs,
    pub order_id: Option<OrderId>,
    pub at: Timestamp,
    pub principal: String,
    pub reason: String,
}

fn movement_of(row: &Row) -> Result<Movement, Fault> {
    let needs = match (row.opt_id::<StockId>(3)?, row.opt_text(8)?) {
        (Some(stock), _) => Needs::from([(stock, row.int(4)?)]),
        (None, Some(needs)) => needs_from(needs)?,
        (None, None) => Needs::new(),
    };
    Ok(Movement {
        id: row.int(0)?,
        kind: row.text(1)?.to_owned(),
        needs,
        order_id: row.opt_id(2)?,
        at: row.time(5)?,
        principal: row.text(6)?.to_owned(),
        reason: row.text(7)?.to_owned(),
    })
}

/// Lists movements of a shop or of one of its orders, the newest first, before an id.
pub async fn by_movement(
    store: &Store,
    shop: ShopId,
    order: Option<OrderId>,
    before: i64,
    limit: u32,
) -> Result<Vec<Movement>, Fault> {
    let rows = match order {
        Some(order) => store.read(OF_ORDER, params![order, shop]).await?,
        None => store.read(NEWEST, params![shop, before, limit]).await?,
    };
    rows.iter().map(movement_of).filter(|movement| movement.as_ref().map_or(true, |movement| movement.id < before)).collect()
}

/// The terms of one level: available, reserved, consumed, received, corrected, wasted.
pub type Terms = [i64; 6];

/// The levels as they are kept, and as they follow from the ledger.
#[derive(Debug, Default)]
pub struct Tally {
    pub kept: BTreeMap<StockId, Terms>,
    pub computed: BTreeMap<StockId, Terms>,
    pub movements: i64,
}

/// The names of the terms, in their order.
pub const TERMS: [&str; 6] = ["available", "reserved", "consumed", "received", "corrected", "wasted"];

impl Tally {
    fn add(&mut self, stock: StockId, terms: Terms) {
        let sums = self.computed.entry(stock).or_default();
        for (sum, term) in sums.iter_mut().zip(terms) {
            *sum += term;
        }
    }

    fn movement(&mut self, kind: &str, stock: StockId, quantity: i64, needs: &str) -> Result<(), Fault> {
        self.movements += 1;
        match kind {
            "receive" => self.add(stock, [quantity, 0, 0, quantity, 0, 0]),
            "count" => self.add(stock, [quantity, 0, 0, 0, quantity, 0]),
            "waste" => self.add(stock, [quantity, 0, 0, 0, 0, -quantity]),
            _ => {
                for (stock, units) in needs_from(needs)? {
                    let terms = match kind {
                        "reserve" => [-units, units, 0, 0, 0, 0],
                        "release" => [units, -units, 0, 0, 0, 0],
                        "consume" => [0, -units, units, 0, 0, 0],
                        _ => [0; 6],
                    };
                    self.add(stock, terms);
                }
            }
        }
        Ok(())
    }

    /// Gives what differs: the thing, the name of the term, kept, computed.
    pub fn differences(&self) -> Vec<(StockId, &'static str, i64, i64)> {
        let things: std::collections::BTreeSet<StockId> = self.kept.keys().chain(self.computed.keys()).copied().collect();
        let mut found = Vec::new();
        for stock in things {
            let kept = self.kept.get(&stock).copied().unwrap_or_default();
            let computed = self.computed.get(&stock).copied().unwrap_or_default();
            for (place, name) in TERMS.into_iter().enumerate() {
                if kept[place] != computed[place] {
                    found.push((stock, name, kept[place], computed[place]));
                }
            }
        }
        found
    }
}

/// Computes all levels of a shop from its ledger, beside those that are kept, both of one moment.
pub async fn tally_of_all(store: &Store, shop: ShopId) -> Result<Tally, Fault> {
    let mut tally = Tally::default();
    for row in store.scan(EVERYTHING, params![shop]).await? {
        let stock: StockId = row.id(1)?;
        let terms = || Ok::<_, Fault>([row.int(2)?, row.int(3)?, row.int(4)?, row.int(5)?, row.int(6)?, row.int(7)?]);
        match row.int(0)? {
            0 => {
                tally.kept.insert(stock, terms()?);
            }
            1 => tally.movement(row.text(8)?, stock, row.int(2)?, row.text(9)?)?,
            _ => tally.add(stock, terms()?),
        }
    }
    Ok(tally)
}
