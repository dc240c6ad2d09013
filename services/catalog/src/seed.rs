//! Reads the menu with which an empty platform is filled. Pure; the product sends it through the services' own rpcs.

use std::collections::{BTreeMap, BTreeSet};

use base::{Fault, Texts};
use serde::Deserialize;

use crate::domain::scaled;

/// The menu that is built into the product.
pub const MENU: &str = include_str!("../../../data/menu/menu.toml");

/// A whole menu, with its kitchen and its first stock.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Menu {
    /// The shop.
    pub shop: Shop,
    /// What a size takes of each ingredient, in percent of M.
    pub sizes: BTreeMap<String, i64>,
    /// Categories, in their order.
    #[serde(rename = "category")]
    pub categories: Vec<Category>,
    /// The kitchen's stations.
    #[serde(rename = "station")]
    pub stations: Vec<Station>,
    /// What dishes are made of.
    #[serde(rename = "ingredient")]
    pub ingredients: Vec<Ingredient>,
    /// What can be added.
    #[serde(rename = "option")]
    pub options: Vec<Extra>,
    /// Dishes and goods.
    #[serde(rename = "item")]
    pub items: Vec<Item>,
}

/// The shop's settings.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Shop {
    pub slug: String,
    pub name: Texts,
    pub time_zone: String,
    pub currency: String,
    pub languages: Vec<String>,
    pub tax_rate_bp: i64,
    pub tax_included: bool,
    pub delivery_fee_minor: i64,
    pub opening_hours: Week,
}

/// The spans of each day in which the shop is open.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Week {
    pub mon: Vec<Span>,
    pub tue: Vec<Span>,
    pub wed: Vec<Span>,
    pub thu: Vec<Span>,
    pub fri: Vec<Span>,
    pub sat: Vec<Span>,
    pub sun: Vec<Span>,
}

impl Week {
    /// Gives the days, Monday first.
    pub fn days(&self) -> [&[Span]; 7] {
        [&self.mon, &self.tue, &self.wed, &self.thu, &self.fri, &self.sat, &self.sun]
    }
}

/// A span in minutes after midnight.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Span {
    pub opens_minute: i32,
    pub closes_minute: i32,
}

/// A category and the attributes of its items.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Category {
    pub slug: String,
    pub kind: String,
    pub name: Texts,
    pub attributes: Vec<Attribute>,
}

/// An attribute: `bool`, `integer`, or `choice`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Attribute {
    pub slug: String,
    pub kind: String,
    pub name: Texts,
    #[serde(default)]
    pub choices: Vec<Choice>,
}

/// A choice of an attribute.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Choice {
    pub slug: String,
    pub name: Texts,
}

/// A station of the kitchen.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Station {
    pub slug: String,
    pub name: Texts,
    pub places: i64,
}

/// An ingredient and its first stock.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Ingredient {
    pub slug: String,
    pub name: Texts,
    pub unit: String,
    pub initial: i64,
    pub low_stock_at: i64,
}

/// An option, with what it takes for size M.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Extra {
    pub slug: String,
    pub name: Texts,
    pub price_minor: i64,
    pub categories: Vec<String>,
    #[serde(default)]
    pub ingredients: BTreeMap<String, i64>,
    #[serde(default)]
    pub without: Vec<String>,
}

/// A dish with its recipe, or goods with their stock.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Item {
    pub slug: String,
    pub kind: String,
    pub category: String,
    pub name: Texts,
    pub description: Texts,
    pub attributes: BTreeMap<String, toml::Value>,
    pub variants: Vec<Variant>,
    #[serde(default)]
    pub ingredients: BTreeMap<String, i64>,
    #[serde(default)]
    pub steps: Vec<Step>,
    pub stock: Option<Stock>,
}

/// A size and its price.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Variant {
    pub size: String,
    pub price_minor: i64,
}

/// A step of a recipe.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Step {
    pub station: String,
    pub seconds: i64,
    #[serde(default)]
    pub celsius: i32,
}

/// The first stock of goods, in units.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Stock {
    pub initial: i64,
    pub low_stock_at: i64,
}

impl Menu {
    /// Gives what a size takes, in percent of M; 100 for what has no sizes.
    pub fn percent(&self, size: &str) -> i64 {
        self.sizes.get(size).copied().unwrap_or(100)
    }

    /// Gives what one of a size of an item takes from stock, by the slug of the stock: a dish its ingredients, goods
    /// one of themselves.
    pub fn needs(&self, item: &Item, size: &str) -> Vec<(String, i64)> {
        if item.stock.is_some() {
            return vec![(item.slug.clone(), 1)];
        }
        item.ingredients.iter().map(|(slug, amount)| (slug.clone(), scaled(*amount, self.percent(size)))).collect()
    }
}

impl Item {
    /// Gives the attributes as the catalogue's contract wants them: JSON by slug.
    pub fn attributes_json(&self) -> BTreeMap<String, String> {
        let json = |value: &toml::Value| match value {
            toml::Value::String(text) => serde_json::Value::from(text.as_str()).to_string(),
            other => other.to_string(),
        };
        self.attributes.iter().map(|(slug, value)| (slug.clone(), json(value))).collect()
    }
}

/// Reads a menu; what it names must be in it.
pub fn parse_menu(text: &str) -> Result<Menu, Fault> {
    let menu: Menu = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
    let slugs = |all: Vec<&String>, what: &str| -> Result<BTreeSet<String>, Fault> {
        let distinct: BTreeSet<String> = all.iter().map(|slug| (*slug).clone()).collect();
        if distinct.len() == all.len() { Ok(distinct) } else { Err(bad(format!("Two {what} have the same slug."))) }
    };
    let categories = slugs(menu.categories.iter().map(|category| &category.slug).collect(), "categories")?;
    let stations = slugs(menu.stations.iter().map(|station| &station.slug).collect(), "stations")?;
    let ingredients = slugs(menu.ingredients.iter().map(|ingredient| &ingredient.slug).collect(), "ingredients")?;
    slugs(menu.options.iter().map(|option| &option.slug).collect(), "options")?;
    slugs(menu.items.iter().map(|item| &item.slug).collect(), "items")?;
    let known = |set: &BTreeSet<String>, slug: &str, what: &str, owner: &str| {
        if set.contains(slug) {
            Ok(())
        } else {
            Err(bad(format!("{owner} names the {what} `{slug}`, which is not in the menu.")))
        }
    };
    for option in &menu.options {
        option.categories.iter().try_for_each(|slug| known(&categories, slug, "category", &option.slug))?;
        option
            .ingredients
            .keys()
            .chain(&option.without)
            .try_for_each(|slug| known(&ingredients, slug, "ingredient", &option.slug))?;
    }
    for item in &menu.items {
        known(&categories, &item.category, "category", &item.slug)?;
        item.ingredients.keys().try_for_each(|slug| known(&ingredients, slug, "ingredient", &item.slug))?;
        item.steps.iter().try_for_each(|step| known(&stations, &step.station, "station", &item.slug))?;
        // Whoever filters by an attribute, such as nuts, must be told about every item of the category.
        let category = menu.categories.iter().find(|category| category.slug == item.category);
        let asked = category.into_iter().flat_map(|category| &category.attributes);
        if let Some(unsaid) = asked.map(|attribute| &attribute.slug).find(|slug| !item.attributes.contains_key(*slug)) {
            return Err(bad(format!("{} does not say its attribute `{unsaid}`.", item.slug)));
        }
        let sized = |variant: &Variant| item.stock.is_some() || menu.sizes.contains_key(&variant.size);
        if item.variants.is_empty() || !item.variants.iter().all(sized) {
            return Err(bad(format!("{} has a size that is not in the menu, or none.", item.slug)));
        }
    }
    Ok(menu)
}

fn bad(message: String) -> Fault {
    Fault::invalid("bad_menu", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_of_the_product_is_whole() {
        let menu = parse_menu(MENU).unwrap();
        assert_eq!(
            (menu.items.len(), menu.categories.len(), menu.ingredients.len(), menu.options.len(), menu.stations.len()),
            (39, 7, 60, 8, 3)
        );
        let item = menu.items.iter().find(|item| item.slug == "spinach_supr").unwrap();
        let needs = menu.needs(item, "S");
        assert!(needs.contains(&("dough".to_owned(), 175)));
        assert!(needs.contains(&("pepperoni".to_owned(), 39)), "38.5 is rounded up");
        assert_eq!(item.attributes_json()["meat"], "\"salami\"");
        assert_eq!(item.attributes_json()["spicy"], "false");
        let cola = menu.items.iter().find(|item| item.slug == "cola_can").unwrap();
        assert_eq!(menu.needs(cola, "unit"), [("cola_can".to_owned(), 1)]);
        assert_eq!(cola.attributes_json()["volume_ml"], "330");
    }

    #[test]
    fn everything_on_the_menu_says_whether_it_holds_nuts() {
        for item in parse_menu(MENU).unwrap().items {
            let nuts = item.attributes_json().get("nuts").cloned();
            let holds = item.ingredients.contains_key("pesto") || item.slug == "cantucci_box";
            assert_eq!(nuts, Some(holds.to_string()), "{}", item.slug);
        }
    }

    #[test]
    fn a_menu_that_names_what_it_does_not_have_is_refused() {
        for (from, to) in [
            ("ingredients = { mozzarella = 40 }", "ingredients = { unicorn = 40 }"),
            ("without = [\"dough\"]", "without = [\"unicorn\"]"),
            ("category = \"veggie\"", "category = \"unicorn\""),
            ("station = \"oven\"", "station = \"unicorn\""),
            ("size = \"L\"", "size = \"Q\""),
            ("spicy = false, nuts = true, sauce", "spicy = false, sauce"),
            ("slug = \"extra_spicy\"", "slug = \"extra_cheese\""),
            ("places = 4", "seats = 4"),
            ("[sizes]", "[sizes"),
        ] {
            assert!(MENU.contains(from), "{from}");
            assert_eq!(parse_menu(&MENU.replacen(from, to, 1)).unwrap_err().code, "bad_menu", "{to}");
        }
    }
}
