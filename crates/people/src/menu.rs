//! What there is to be had: the menu with which every platform begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Fault, World};
use catalog::seed::{MENU, parse_menu};

use crate::whims::Whims;

/// How many in a thousand want what all want.
const WANTED: u64 = 700;

/// What one of something costs, and what it takes from stock.
type Sold = (i64, Vec<(String, i64)>);

/// The menu. Clones share everything.
#[derive(Clone)]
pub struct Menu(Arc<Known>, Option<usize>);

struct Known {
    items: Vec<(String, Vec<String>)>,
    stock: BTreeMap<String, i64>,
    goods: Vec<String>,
    /// By item and size: what it costs, and what one of it takes from stock.
    sizes: BTreeMap<(String, String), Sold>,
    fee: i64,
}

impl Menu {
    /// Reads it.
    pub fn read() -> Result<Menu, Fault> {
        let menu = parse_menu(MENU)?;
        let mut known = BTreeMap::new();
        for item in &menu.items {
            for variant in &item.variants {
                let size = (item.slug.clone(), variant.size.clone());
                known.insert(size, (variant.price_minor, menu.needs(item, &variant.size)));
            }
        }
        let sizes = |item: &catalog::seed::Item| item.variants.iter().map(|variant| variant.size.clone()).collect();
        let goods = menu.items.iter().filter_map(|item| item.stock.map(|stock| (item.slug.clone(), stock.initial)));
        let ingredients = menu.ingredients.iter().map(|thing| (thing.slug.clone(), thing.initial));
        Ok(Menu(
            Arc::new(Known {
                items: menu.items.iter().map(|item| (item.slug.clone(), sizes(item))).collect(),
                stock: ingredients.chain(goods).collect(),
                goods: menu.items.iter().filter(|item| item.stock.is_some()).map(|item| item.slug.clone()).collect(),
                sizes: known,
                fee: menu.shop.delivery_fee_minor,
            }),
            None,
        ))
    }

    /// Makes the menu of a day on which most want the same: one of the goods, by a number.
    pub fn with_wanted(&self, number: u64) -> Menu {
        let place = usize::try_from(number % self.0.goods.len().max(1) as u64).unwrap_or(0);
        Menu(self.0.clone(), self.0.goods.get(place).map(|_| place))
    }

    /// Gives what most want, if there is such a thing.
    pub fn wanted(&self) -> Option<&str> {
        self.0.goods.get(self.1?).map(String::as_str)
    }

    /// Gives some item and one of its sizes.
    pub fn any(&self, world: &World) -> (String, String) {
        if let Some(wanted) = self.wanted().filter(|_| world.happens(WANTED)) {
            let sizes = self.0.items.iter().find(|(item, _)| item == wanted).map_or(&[][..], |(_, sizes)| sizes);
            return (wanted.to_owned(), sizes.get(at(world, sizes.len())).cloned().unwrap_or_default());
        }
        let (item, sizes) = &self.0.items[at(world, self.0.items.len())];
        (item.clone(), sizes.get(at(world, sizes.len())).cloned().unwrap_or_default())
    }

    /// Gives some thing that is kept in stock.
    pub fn any_stock(&self, world: &World) -> String {
        self.0.stock.keys().nth(at(world, self.0.stock.len())).cloned().unwrap_or_default()
    }

    /// Gives what a size of an item costs at first.
    pub fn price(&self, item: &str, size: &str) -> Option<i64> {
        self.0.sizes.get(&(item.to_owned(), size.to_owned())).map(|(price, _)| *price)
    }

    /// Gives what one of a size of an item takes from stock: goods one of themselves, a dish what its recipe says.
    pub fn takes(&self, item: &str, size: &str) -> &[(String, i64)] {
        self.0.sizes.get(&(item.to_owned(), size.to_owned())).map_or(&[], |(_, takes)| takes)
    }

    /// Gives what it costs to have an order brought.
    pub fn fee(&self) -> i64 {
        self.0.fee
    }

    /// Gives how much there is of everything at first.
    pub fn initial(&self) -> &BTreeMap<String, i64> {
        &self.0.stock
    }
}

fn at(world: &World, length: usize) -> usize {
    usize::try_from(world.below(length as u64)).unwrap_or(0)
}
