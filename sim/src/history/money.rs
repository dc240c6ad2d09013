//! What the provider holds, and when the platform says so.

use std::collections::{BTreeMap, BTreeSet};

use base::id::{Id, OrderId};
use serde_json::Value;

use crate::house;

#[derive(Default)]
struct Charge {
    captured: i64,
    refunded: i64,
    /// By name; an answer tells of one or of the sum.
    refunds: BTreeMap<String, i64>,
}

/// The provider's charges as its answers have shown them, and what the platform has said of them.
#[derive(Default)]
pub struct Money {
    charges: BTreeMap<String, Charge>,
    /// By an order's reference: the charges that name it.
    of_order: BTreeMap<String, BTreeSet<String>>,
    /// By order: what was said to be given back.
    back: BTreeMap<i64, i64>,
}

impl Money {
    /// Notes what the provider answers.
    pub fn provider(&mut self, body: &Value) {
        let Some(id) = body["id"].as_str() else { return };
        if let Some(of) = body["charge_id"].as_str() {
            let refunds = &mut self.charges.entry(of.to_owned()).or_default().refunds;
            refunds.insert(id.to_owned(), body["amount_minor"].as_i64().unwrap_or(0));
        } else if let Some(captured) = body["captured_minor"].as_i64() {
            let reference = body["order_reference"].as_str().unwrap_or_default();
            self.of_order.entry(reference.to_owned()).or_default().insert(id.to_owned());
            let charge = self.charges.entry(id.to_owned()).or_default();
            charge.captured = charge.captured.max(captured);
            charge.refunded = charge.refunded.max(body["refunded_minor"].as_i64().unwrap_or(0));
        }
    }

    /// Holds what the platform says of a card against what the provider has done by then.
    pub fn said(&mut self, name: &str, order: i64, data: &Value) -> Option<String> {
        let reference = OrderId(order).show(&house::key());
        let named = self.of_order.get(&reference).into_iter().flatten();
        let of_order: Vec<&Charge> = named.filter_map(|id| self.charges.get(id)).collect();
        let amount = data["amount_minor"].as_i64()?;
        if name == "order.paid" {
            let taken: i64 = of_order.iter().map(|charge| charge.captured).sum();
            let untrue = data["method"] == "card" && taken < amount;
            return untrue.then(|| {
                format!("MoneyIsConserved: {reference} is said to be paid with {amount}, and the provider has taken {taken}")
            });
        }
        // What was paid in cash goes back without a provider.
        if of_order.is_empty() {
            return None;
        }
        let given: i64 = of_order.iter().map(|charge| charge.refunded.max(charge.refunds.values().sum())).sum();
        let said = self.back.entry(order).or_default();
        *said += amount;
        (*said > given)
            .then(|| format!("MoneyIsConserved: {said} of {reference} are said to be back, and the provider gave {given}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken() -> (Money, i64) {
        let (mut money, order) = (Money::default(), 7_301_444_403_200_001);
        let reference = OrderId(order).show(&house::key());
        money.provider(&json!({ "id": "ch_1", "order_reference": reference, "captured_minor": 900, "refunded_minor": 0 }));
        (money, order)
    }

    #[test]
    fn nobody_says_paid_before_the_provider_has_the_money() {
        let (mut money, order) = taken();
        assert!(money.said("order.paid", order, &json!({ "amount_minor": 900, "method": "card" })).is_none());
        assert!(money.said("order.paid", order, &json!({ "amount_minor": 901, "method": "card" })).is_some());
        assert!(money.said("order.paid", 8, &json!({ "amount_minor": 5, "method": "card" })).is_some());
        assert!(money.said("order.paid", 8, &json!({ "amount_minor": 5, "method": "cash" })).is_none());
    }

    #[test]
    fn nobody_says_given_back_more_than_the_provider_gave() {
        let (mut money, order) = taken();
        money.provider(&json!({ "id": "re_1", "charge_id": "ch_1", "amount_minor": 300 }));
        money.provider(&json!({ "id": "re_1", "charge_id": "ch_1", "amount_minor": 300 }));
        assert!(money.said("payment.refunded", order, &json!({ "amount_minor": 300 })).is_none());
        assert!(money.said("payment.refunded", order, &json!({ "amount_minor": 1 })).is_some_and(|wrong| wrong.contains("301")));
    }
}
