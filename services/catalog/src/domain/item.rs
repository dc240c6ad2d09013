//! An item of the menu, and how it may change.

use std::collections::BTreeMap;

use base::id::{ItemId, ShopId};
use base::{Principal, Texts, Timestamp};
use catalog_api::events::PriceChange;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{self, Check};
use super::{Category, Error, Kind, Need, Shop, Step, What};

/// How many acts an item remembers; the oldest go first.
const ACTS_MAX: usize = 50;

/// A size of an item, with its price and what it takes from stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// The size.
    pub size: String,
    /// Its price.
    pub price_minor: i64,
    /// What it takes of an option's needs, in percent of size M.
    pub percent: i64,
    /// What it takes from stock, scaled when it was written.
    pub needs: Vec<Need>,
    /// Whether this size cannot be had now.
    pub sold_out: bool,
}

/// What somebody did to an item, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who, as [`Principal`] prints it.
    pub principal: String,
    /// What.
    pub act: String,
    /// Why.
    pub reason: String,
}

impl Act {
    /// Makes it.
    pub fn of(principal: &Principal, act: &str, reason: &str, at: Timestamp) -> Act {
        Act { at, principal: principal.to_string(), act: act.to_owned(), reason: reason.to_owned() }
    }
}

/// What staff write of an item. Availability is not part of it: it changes by itself, many times a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Its short name; it never changes.
    pub slug: String,
    /// Its category, by slug.
    pub category: String,
    /// Dish or goods, when it is said; the category decides.
    pub kind: Option<Kind>,
    /// Its name.
    pub name: Texts,
    /// What it is.
    pub description: Texts,
    /// What it tells of each attribute of its category.
    pub attributes: BTreeMap<String, Value>,
    /// Its sizes.
    pub variants: Vec<Variant>,
    /// How it is made.
    pub steps: Vec<Step>,
    /// Basis points.
    pub tax_rate_bp: i64,
}

/// Goods or a dish on the menu.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// The item.
    pub id: ItemId,
    /// Its shop.
    pub shop: ShopId,
    /// Its short name.
    pub slug: String,
    /// Dish or goods.
    pub kind: Kind,
    /// Its category, by slug.
    pub category: String,
    /// Its name.
    pub name: Texts,
    /// What it is.
    pub description: Texts,
    /// What it tells of each attribute of its category.
    pub attributes: BTreeMap<String, Value>,
    /// Its sizes.
    pub variants: Vec<Variant>,
    /// How it is made.
    pub steps: Vec<Step>,
    /// Basis points.
    pub tax_rate_bp: i64,
    /// Whether it can be had now.
    pub available: bool,
    /// Whether it is off the menu for good.
    pub retired: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed.
    pub changed_at: Timestamp,
    /// The newest acts, newest last.
    pub acts: Vec<Act>,
    /// Kept by the store.
    #[serde(skip)]
    pub version: i64,
}

/// What is to be said of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It is new.
    Created,
    /// It was edited.
    Changed,
    /// Prices changed.
    Prices(Vec<PriceChange>),
    /// It is off the menu.
    Retired,
    /// It can be had, or not; a size, or all when empty.
    Availability(String, bool),
}

impl Item {
    /// Puts a new item on the menu.
    pub fn create(
        id: ItemId,
        draft: Draft,
        shop: &Shop,
        category: Option<&Category>,
        act: Act,
    ) -> Result<(Item, Vec<Said>), Error> {
        let mut rules = Check::default();
        check::item(&mut rules, &draft, shop, category);
        check::reason(&mut rules, &act.reason);
        rules.done(What::Item)?;
        let item = Item {
            id,
            shop: shop.id,
            kind: category.map_or(Kind::Goods, |category| category.kind),
            slug: draft.slug,
            category: draft.category,
            name: draft.name,
            description: draft.description,
            attributes: draft.attributes,
            variants: draft.variants,
            steps: draft.steps,
            tax_rate_bp: draft.tax_rate_bp,
            available: true,
            retired: false,
            created_at: act.at,
            changed_at: act.at,
            acts: vec![act],
            version: 0,
        };
        Ok((item, vec![Said::Created]))
    }

    /// Replaces what staff write; what is available stays so, and so does the slug.
    pub fn change(
        &self,
        draft: Draft,
        version: i64,
        shop: &Shop,
        category: Option<&Category>,
        act: Act,
    ) -> Result<(Item, Vec<Said>), Error> {
        self.must_be_at(version)?;
        let mut rules = Check::default();
        check::item(&mut rules, &draft, shop, category);
        check::reason(&mut rules, &act.reason);
        rules.must(draft.slug == self.slug, "slug", "cannot change: others know the item by it");
        rules.must(category.is_none_or(|category| category.kind == self.kind), "category", "is of another kind");
        rules.done(What::Item)?;
        let mut after = self.acted(act);
        let sold_out = |size: &str| self.variant(size).is_some_and(|variant| variant.sold_out);
        after.category = draft.category;
        after.name = draft.name;
        after.description = draft.description;
        after.attributes = draft.attributes;
        after.steps = draft.steps;
        after.tax_rate_bp = draft.tax_rate_bp;
        after.variants =
            draft.variants.into_iter().map(|variant| Variant { sold_out: sold_out(&variant.size), ..variant }).collect();
        let prices = price_changes(&self.variants, &after.variants);
        let mut said = vec![Said::Changed];
        if !prices.is_empty() {
            said.push(Said::Prices(prices));
        }
        Ok((after, said))
    }

    /// Takes it off the menu for good; asking twice is not an error.
    pub fn retire(&self, version: i64, act: Act) -> Result<(Item, Vec<Said>), Error> {
        if self.retired {
            return Ok((self.clone(), Vec::new()));
        }
        self.must_be_at(version)?;
        let mut rules = Check::default();
        check::reason(&mut rules, &act.reason);
        rules.done(What::Item)?;
        Ok((Item { retired: true, available: false, ..self.acted(act) }, vec![Said::Retired]))
    }

    /// Says whether it, or one size of it, can be had; what is so already changes nothing.
    pub fn set_availability(&self, version: i64, size: &str, available: bool, act: Act) -> Result<(Item, Vec<Said>), Error> {
        self.must_be_at(version)?;
        let mut rules = Check::default();
        check::reason(&mut rules, &act.reason);
        rules.must(size.is_empty() || self.variant(size).is_some(), "size", "is not a size of the item");
        rules.done(What::Item)?;
        let mut after = self.acted(act);
        if size.is_empty() {
            after.available = available;
        }
        for variant in after.variants.iter_mut().filter(|variant| variant.size == size) {
            variant.sold_out = !available;
        }
        if after.available == self.available && after.variants == self.variants {
            return Ok((self.clone(), Vec::new()));
        }
        Ok((after, vec![Said::Availability(size.to_owned(), available)]))
    }

    /// Finds a size.
    pub fn variant(&self, size: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.size == size)
    }

    /// Gives the lowest price of its sizes.
    pub fn from_minor(&self) -> i64 {
        self.variants.iter().map(|variant| variant.price_minor).min().unwrap_or(0)
    }

    fn must_be_at(&self, version: i64) -> Result<(), Error> {
        if self.retired {
            return Err(Error::Retired);
        }
        if version != self.version && !base::planted(base::Mistake::StaleItemAccepted) {
            return Err(Error::Stale { current: self.version });
        }
        Ok(())
    }

    fn acted(&self, act: Act) -> Item {
        let mut after = self.clone();
        after.changed_at = act.at;
        after.acts.push(act);
        let old = after.acts.len().saturating_sub(ACTS_MAX);
        after.acts.drain(..old);
        after
    }
}

fn price_changes(before: &[Variant], after: &[Variant]) -> Vec<PriceChange> {
    let of = |variants: &[Variant], size: &str| {
        variants.iter().find(|variant| variant.size == size).map(|variant| variant.price_minor)
    };
    let new = after.iter().filter(|variant| of(before, &variant.size).is_none());
    before
        .iter()
        .chain(new)
        .map(|variant| PriceChange {
            size: variant.size.clone(),
            before_minor: of(before, &variant.size),
            after_minor: of(after, &variant.size),
        })
        .filter(|change| change.before_minor != change.after_minor)
        .collect()
}
