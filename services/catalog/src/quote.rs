//! Freezes the lines of an order: price, recipe and tax as the menu has them at this moment. Pure; the hot path.

use base::limits::{LINE_QUANTITY_MAX, ORDER_LINES_MAX};
use base::{Mistake, planted};
use catalog_api as api;

use crate::domain::{BadLine, Error, Extra, LINE_OPTIONS_MAX, scaled};
use crate::menu::Menu;

/// Quotes all lines, or tells of every one that cannot be sold.
pub fn quote(menu: &Menu, lines: &[api::LineRequest]) -> Result<Vec<api::QuotedLine>, Error> {
    if lines.is_empty() || lines.len() > ORDER_LINES_MAX {
        return Err(Error::LineCount { lines: lines.len(), limit: ORDER_LINES_MAX });
    }
    let mut quoted = Vec::with_capacity(lines.len());
    let mut bad = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        match quote_line(menu, line) {
            Ok(line) => quoted.push(line),
            Err((code, name)) => bad.push(BadLine { line: place, code, name: name.to_owned() }),
        }
    }
    if bad.is_empty() { Ok(quoted) } else { Err(Error::Lines(bad)) }
}

fn quote_line<'a>(menu: &Menu, line: &'a api::LineRequest) -> Result<api::QuotedLine, (&'static str, &'a str)> {
    let Some(entry) = menu.find(line.item_id, &line.slug) else { return Err(("item_unknown", &line.slug)) };
    let item = &entry.item;
    if item.retired {
        return Err(("item_retired", &line.slug));
    }
    let place = match line.size.as_str() {
        "" => 0,
        size => item.variants.iter().position(|variant| variant.size == size).ok_or(("size_unknown", size))?,
    };
    let (variant, quoted) = item.variants.get(place).zip(entry.quoted.get(place)).ok_or(("size_unknown", line.size.as_str()))?;
    if !(1..=LINE_QUANTITY_MAX).contains(&line.quantity) {
        return Err(("bad_quantity", &line.slug));
    }
    if !item.available || variant.sold_out {
        return Err(("item_unavailable", &line.slug));
    }
    let mut extras: Vec<&Extra> = Vec::with_capacity(line.options.len());
    for (place, option) in line.options.iter().enumerate() {
        let known = menu.extras.get(option).filter(|extra| place < LINE_OPTIONS_MAX && extra.categories.contains(&item.category));
        let extra = known.ok_or(("option_unknown", option.as_str()))?;
        if line.options[..place].contains(option) {
            return Err(("option_repeated", option));
        }
        extras.push(extra);
    }
    let mut quoted = quoted.clone();
    if planted(Mistake::FirstSizePrice) {
        quoted.unit_minor = entry.quoted.first().map_or(0, |first| first.unit_minor);
    }
    quoted.quantity = line.quantity;
    quoted.options.clone_from(&line.options);
    for extra in &extras {
        quoted.needs.retain(|need| extra.without.iter().all(|stock| stock.0 != need.stock_id));
    }
    // What an option brings is never what another one leaves out: that concerns the dish alone.
    for extra in extras {
        quoted.unit_minor += extra.price_minor;
        for need in &extra.needs {
            let quantity = scaled(need.quantity, variant.percent);
            match quoted.needs.iter_mut().find(|known| known.stock_id == need.stock.0) {
                Some(known) => known.quantity = known.quantity.saturating_add(quantity),
                None => quoted.needs.push(api::Need { stock_id: need.stock.0, quantity }),
            }
        }
    }
    Ok(quoted)
}

#[cfg(test)]
mod tests {
    use base::Texts;
    use base::id::{ShopId, StockId};

    use super::*;
    use crate::domain::Need;
    use crate::domain::tests::{category, item, shop};
    use crate::menu::Parts;

    fn extra(slug: &str, needs: &[(i64, i64)], without: &[i64]) -> Extra {
        Extra {
            id: 1,
            shop: ShopId(1),
            slug: slug.to_owned(),
            name: Texts::en_ru("x", "x"),
            price_minor: 100,
            categories: vec![if slug == "ice" { "drinks" } else { "classic" }.to_owned()],
            needs: needs.iter().map(|(stock, quantity)| Need { stock: StockId(*stock), quantity: *quantity }).collect(),
            without: without.iter().map(|stock| StockId(*stock)).collect(),
            version: 1,
        }
    }

    fn menu() -> Menu {
        let extras = vec![extra("cheese", &[(2, 15), (3, 1)], &[]), extra("no_dough", &[(4, 250)], &[1]), extra("ice", &[], &[])];
        let mut gone = item();
        (gone.id.0, gone.slug, gone.retired) = (8, "gone".to_owned(), true);
        let mut out = item();
        (out.id.0, out.slug, out.available) = (9, "out".to_owned(), false);
        let mut small = item();
        (small.id.0, small.slug) = (10, "small_out".to_owned());
        small.variants[0].sold_out = true;
        let parts = Parts { shop: Some(shop()), categories: vec![category()], extras, items: vec![item(), gone, out, small] };
        Menu::merged(None, parts).unwrap()
    }

    fn line(slug: &str, size: &str, quantity: i64, options: &[&str]) -> api::LineRequest {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        api::LineRequest { item_id: 0, slug: slug.to_owned(), size: size.to_owned(), quantity, options }
    }

    #[test]
    fn options_add_their_price_and_scale_with_the_size() {
        let lines = quote(&menu(), &[line("margherita", "S", 3, &["no_dough", "cheese"])]).unwrap();
        assert_eq!((lines[0].unit_minor, lines[0].quantity, lines[0].item_version), (1_300, 3, 1));
        let needs: Vec<(i64, i64)> = lines[0].needs.iter().map(|need| (need.stock_id, need.quantity)).collect();
        // 55 * 0.7 = 38.5 and 15 * 0.7 = 10.5, each rounded up by itself; the dough is replaced.
        assert_eq!(needs, [(2, 39 + 11), (4, 175), (3, 1)]);
    }

    #[test]
    fn the_first_size_is_meant_when_none_is_named() {
        assert_eq!(quote(&menu(), &[line("margherita", "", 1, &[])]).unwrap()[0].size, "S");
        let by_id = api::LineRequest { item_id: 7, slug: "gone".to_owned(), quantity: 1, ..Default::default() };
        assert_eq!(quote(&menu(), &[by_id]).unwrap()[0].slug, "margherita", "the id goes before the slug");
    }

    #[test]
    fn every_bad_line_is_named_with_its_own_code() {
        let cases = [
            (line("пицца 🍕", "", 1, &[]), "item_unknown"),
            (line("gone", "", 1, &[]), "item_retired"),
            (line("out", "", 1, &[]), "item_unavailable"),
            (line("small_out", "S", 1, &[]), "item_unavailable"),
            (line("margherita", "XXL", 1, &[]), "size_unknown"),
            (line("margherita", "S", 0, &[]), "bad_quantity"),
            (line("margherita", "S", -1, &[]), "bad_quantity"),
            (line("margherita", "S", 1_000, &[]), "bad_quantity"),
            (line("margherita", "S", i64::MAX, &[]), "bad_quantity"),
            (line("margherita", "S", 1, &["gold"]), "option_unknown"),
            (line("margherita", "S", 1, &["ice"]), "option_unknown"),
            (line("margherita", "S", 1, &["cheese", "cheese"]), "option_repeated"),
        ];
        for (bad, code) in &cases {
            let fault = quote(&menu(), &[line("margherita", "", 1, &[]), bad.clone()]).unwrap_err().fault();
            assert_eq!((fault.code.as_str(), &fault.details["lines"][0]["line"]), (*code, &serde_json::json!(1)), "{bad:?}");
        }
        let all: Vec<_> = cases.iter().map(|case| case.0.clone()).collect();
        let fault = quote(&menu(), &all).unwrap_err().fault();
        assert_eq!(fault.details["lines"].as_array().unwrap().len(), 12);
        assert!(quote(&menu(), &[line("small_out", "M", 1, &[])]).is_ok(), "the other size can be had");
    }

    #[test]
    fn an_order_has_a_bounded_number_of_lines() {
        assert_eq!(quote(&menu(), &[]).unwrap_err().fault().code, "no_lines");
        let lines = vec![line("margherita", "", 999, &[]); 10_000];
        assert_eq!(quote(&menu(), &lines).unwrap_err().fault().code, "too_many_lines");
        assert_eq!(quote(&menu(), &lines[..100]).unwrap().len(), 100);
        let bad = vec![line(&"x".repeat(5_000), "", 1, &[]); 100];
        let fault = quote(&menu(), &bad).unwrap_err().fault();
        assert_eq!(fault.details["count"], 100);
        assert!(serde_json::to_vec(&fault).unwrap().len() < 4_096, "the fault fits into a header");
    }
}
