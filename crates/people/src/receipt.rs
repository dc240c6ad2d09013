//! What an order that was answered says about its money, added up again and compared with what was wished.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::book::Wish;
use crate::menu::Menu;

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

/// Gives where an order is not what was wished for it, at a price that the menu or staff have named.
pub fn as_wished(order: &Value, wish: &Wish, menu: &Menu, asked: &BTreeMap<(String, String), Vec<i64>>) -> Vec<String> {
    let id = order["order_id"].as_str().unwrap_or_default();
    let list = |name: &str| order[name].as_array().cloned().unwrap_or_default();
    let mut wrong = Vec::new();
    let lines = list("lines");
    let text = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let got: Vec<(String, String, i64)> =
        lines.iter().map(|line| (text(line, "item"), text(line, "size"), line["quantity"].as_i64().unwrap_or(0))).collect();
    if got != wish.lines {
        wrong.push(format!("NoOrderIsLost: {id} was wished as {:?}, and is {got:?}", wish.lines));
    }
    for line in &lines {
        let (item, size, unit) = (text(line, "item"), text(line, "size"), minor(&line["unit"]));
        let asked = asked.get(&(item.clone(), size.clone())).is_some_and(|prices| prices.contains(&unit));
        if !asked && menu.price(&item, &size) != Some(unit) {
            wrong.push(format!("MoneyIsConserved: {item} {size} of {id} costs {unit}, which nobody has asked for it"));
        }
    }
    let charged = |kind: &str| -> i64 {
        list("charges").iter().filter(|charge| charge["kind"] == kind).map(|charge| minor(&charge["amount"])).sum()
    };
    let fee = if wish.pickup { 0 } else { menu.fee() };
    if charged("tip") != wish.tip || charged("delivery_fee") != fee {
        wrong.push(format!(
            "MoneyIsConserved: {id} was to cost {} of tip and {fee} to be brought: {}",
            wish.tip, order["charges"]
        ));
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

    #[test]
    fn an_order_is_what_was_wished_at_a_price_that_somebody_asked() {
        let menu = Menu::read().unwrap();
        let order = |size: &str, quantity: i64, unit: i64, tip: i64| {
            json!({ "order_id": "ord_1", "lines": [{ "item": "margherita", "size": size, "quantity": quantity,
                    "unit": { "amount_minor": unit } }],
                    "charges": [{ "kind": "tip", "amount": { "amount_minor": tip } }] })
        };
        let lines = vec![("margherita".to_owned(), "M".to_owned(), 2)];
        let wish = Wish { key: String::new(), lines, pickup: true, tip: 150, card: None };
        let of_m = menu.price("margherita", "M").unwrap();
        let asked = BTreeMap::from([(("margherita".to_owned(), "M".to_owned()), vec![of_m + 10])]);
        let wrong = |order: &Value| as_wished(order, &wish, &menu, &asked).len();
        assert_eq!(wrong(&order("M", 2, of_m, 150)), 0);
        assert_eq!(wrong(&order("M", 2, of_m + 10, 150)), 0);
        assert_eq!(wrong(&order("M", 2, menu.price("margherita", "S").unwrap(), 150)), 1);
        assert_eq!(wrong(&order("M", 1, of_m, 150)), 1);
        assert_eq!(wrong(&order("M", 2, of_m, 0)), 1);
    }
}
