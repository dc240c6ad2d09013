//! What a menu is made of besides its items.

use std::collections::BTreeMap;

use base::id::{CategoryId, ShopId, StockId};
use base::{Texts, Timestamp};
use serde::{Deserialize, Serialize};

/// Whether the kitchen makes it or the shelf holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The kitchen makes it.
    Dish,
    /// The shelf holds it.
    Goods,
}

impl Kind {
    /// Gives its word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Dish => "dish",
            Kind::Goods => "goods",
        }
    }

    /// Parses its word.
    pub fn parse(word: &str) -> Option<Kind> {
        [Kind::Dish, Kind::Goods].into_iter().find(|kind| kind.word() == word)
    }
}

/// A span of a day in minutes after its midnight; past 1440 is after the next midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// When it opens.
    pub opens_minute: i32,
    /// When it closes.
    pub closes_minute: i32,
}

/// A shop's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shop {
    /// The shop.
    pub id: ShopId,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: Texts,
    /// An IANA time zone.
    pub time_zone: String,
    /// An ISO 4217 code.
    pub currency: String,
    /// Language tags; the first is the shop's own.
    pub languages: Vec<String>,
    /// Basis points.
    pub tax_rate_bp: i64,
    /// Whether prices contain the tax.
    pub tax_included: bool,
    /// What bringing it costs.
    pub delivery_fee_minor: i64,
    /// Monday first; empty means always open.
    pub opening: Vec<Vec<Interval>>,
    /// 1 when it was made; kept by the store.
    #[serde(skip)]
    pub version: i64,
}

/// What an attribute may hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Values {
    /// Yes or no.
    Bool,
    /// A whole number.
    Integer,
    /// One of these, by slug.
    Choice(BTreeMap<String, Texts>),
}

/// An attribute that every item of a category answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: Texts,
    /// What it may hold.
    pub values: Values,
}

/// A category of the menu, with the attributes of its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Category {
    /// The category.
    pub id: CategoryId,
    /// Its shop.
    pub shop: ShopId,
    /// Its short name.
    pub slug: String,
    /// Dishes or goods.
    pub kind: Kind,
    /// Its name.
    pub name: Texts,
    /// What its items tell.
    pub attributes: Vec<Attribute>,
    /// When it was made: what sorts categories.
    pub created_at: Timestamp,
    /// Kept by the store.
    #[serde(skip)]
    pub version: i64,
}

/// What one of something takes from stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The stock.
    pub stock: StockId,
    /// How much, in its unit.
    pub quantity: i64,
}

/// A step of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The kind of station, by slug.
    pub station: String,
    /// How long.
    pub seconds: i64,
    /// How hot; 0 where there is no heat.
    pub celsius: i32,
}

/// An option: something more, or something instead, on a dish.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extra {
    /// A number of its own.
    pub id: i64,
    /// Its shop.
    pub shop: ShopId,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: Texts,
    /// What it costs on any size.
    pub price_minor: i64,
    /// The categories whose items may have it.
    pub categories: Vec<String>,
    /// What it takes from stock for size M.
    pub needs: Vec<Need>,
    /// Stock that a dish with it does not take.
    pub without: Vec<StockId>,
    /// Kept by the store.
    #[serde(skip)]
    pub version: i64,
}
