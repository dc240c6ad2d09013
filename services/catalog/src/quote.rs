//! Freezes the lines of an order: price, recipe and tax as the menu has them at this moment. Pure; the hot path.

use base::limits::{LINE_QUANTITY_MAX, ORDER_LINES_MAX};
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
