//! What an order that was answered says about its money, added up again.

use serde_json::Value;

fn minor(money: &Value) -> i64 {
    money["amount_minor"].as_i64().unwrap_or(0)
}

/// Gives what does not add up: lines, charges, the total, and the tax that the lines contain, rounded once on each line.
pub fn added_up(order: &Value) -> Vec<String> {
    let id = order["order_id"].as_str().unwrap_or_default();
    let list = |name: &str| order[name].as_array().cloned().unwrap_or_default();
    let mut wrong = Vec::new();
    let mut sum = 0;
    let mut lines = Vec::new();
    for line in list("lines") {
        let total = minor(&line["unit"]) * line["quantity"].as_i64().unwrap_or(0);
        if total != minor(&line["total"]) {
            wrong.push(format!("MoneyIsConserved: a line of {id} does not add up: {line}"));
        }
        sum += total;
        lines.push(total);
    }
    let charges = list("charges");
    let taxes: Vec<&Value> = charges.iter().filter(|charge| charge["kind"] == "tax").collect();
    if let [tax] = taxes.as_slice() {
        let rate = tax["rate_bp"].as_i64().unwrap_or(0);
        let whole = if tax["included"] == true { 10_000 + rate } else { 10_000 };
        // Half away from zero; no line costs less than nothing.
        let due: i64 = lines.iter().map(|line| (2 * line * rate + whole) / (2 * whole)).sum();
        if due != minor(&tax["amount"]) {
            wrong.push(format!(
                "MoneyIsConserved: the lines of {id} contain a tax of {due}, and it says {}",
                minor(&tax["amount"])
            ));
        }
    }
    sum += charges.iter().filter(|charge| charge["included"] != true).map(|charge| minor(&charge["amount"])).sum::<i64>();
    if sum != minor(&order["total"]) {
        wrong.push(format!("MoneyIsConserved: {id} adds up to {sum} and costs {}", minor(&order["total"])));
    }
    wrong
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(tax: i64, total: i64) -> Value {
        let money = |minor: i64| json!({ "amount_minor": minor });
        let line =
            |unit: i64, quantity: i64| json!({ "unit": money(unit), "quantity": quantity, "total": money(unit * quantity) });
        let charges = json!([{ "kind": "tax", "amount": money(tax), "included": true, "rate_bp": 887 },
                             { "kind": "tip", "amount": money(150), "included": false, "rate_bp": 0 }]);
        json!({ "order_id": "ord_1", "lines": [line(1_000, 1), line(999, 3)], "charges": charges, "total": money(total) })
    }

    #[test]
    fn an_order_adds_up_with_the_tax_of_each_line() {
        // 1000 * 887 / 10887 = 81.47, and 2997 * 887 / 10887 = 244.17.
        assert_eq!(added_up(&order(81 + 244, 1_000 + 2_997 + 150)), Vec::<String>::new());
        assert_eq!(added_up(&order(326, 4_147)).len(), 1);
        assert_eq!(added_up(&order(325, 1)).len(), 1);
    }
}
