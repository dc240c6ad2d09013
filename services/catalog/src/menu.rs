//! The whole menu of a shop in memory, as it is at one moment: what quotes and lists are answered from.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use base::text::fold;
use catalog_api as api;

use crate::convert::{item_shown, needs_shown, shop_shown, steps_shown};
use crate::domain::{Category, Extra, Item, Shop};

/// What was read of a shop: everything, or what changed.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Its settings.
    pub shop: Option<Shop>,
    /// Categories.
    pub categories: Vec<Category>,
    /// Options.
    pub extras: Vec<Extra>,
    /// Items.
    pub items: Vec<Item>,
}

/// An item, with all that answers need of it made beforehand.
#[derive(Debug)]
pub struct Entry {
    /// The item.
    pub item: Item,
    /// As it is shown.
    pub shown: api::Item,
    /// One of each size, as it is quoted without options.
    pub quoted: Vec<api::QuotedLine>,
    /// All names and descriptions, to search in.
    pub folded: String,
}

impl Entry {
    fn new(item: Item) -> Entry {
        let line = |variant: &crate::domain::Variant| api::QuotedLine {
            item_id: item.id.0,
            slug: item.slug.clone(),
            name: item.name.0.clone().into_iter().collect(),
            size: variant.size.clone(),
            quantity: 1,
            unit_minor: variant.price_minor,
            kind: item.kind.word().to_owned(),
            tax_rate_bp: item.tax_rate_bp,
            options: Vec::new(),
            needs: needs_shown(&variant.needs),
            steps: steps_shown(&item.steps),
            item_version: item.version,
            category: item.category.clone(),
        };
        let quoted = item.variants.iter().map(line).collect();
        let folded = format!("{}\n{}", item.name.folded(), item.description.folded());
        Entry { shown: item_shown(&item), quoted, folded, item }
    }
}

/// What a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A folded name.
    Text(String),
    /// A price, or a time.
    Number(i64),
}

/// A sorted list of all items.
pub type Sorted = Vec<(Key, i64, Arc<Entry>)>;

/// A shop's menu at one moment. It never changes: a change makes another one.
#[derive(Debug)]
pub struct Menu {
    /// The shop.
    pub shop: Shop,
    /// As it is shown.
    pub shop_shown: api::Shop,
    /// Categories by slug.
    pub categories: BTreeMap<String, Category>,
    /// Options by slug.
    pub extras: BTreeMap<String, Extra>,
    /// Items by id, retired ones too.
    pub items: BTreeMap<i64, Arc<Entry>>,
    /// Ids of items by slug.
    pub slugs: BTreeMap<String, i64>,
    /// Names this state, the same in every process.
    pub version: i64,
    by_price: OnceLock<Sorted>,
    by_age: OnceLock<Sorted>,
    by_name: BTreeMap<String, OnceLock<Sorted>>,
}

impl Menu {
    /// Adds what was read to what is known; of two states of a thing the newer one stays. None while there is no shop.
    pub fn merged(before: Option<&Menu>, parts: Parts) -> Option<Menu> {
        let known = before.map(|menu| menu.shop.clone());
        let shop = [known, parts.shop].into_iter().flatten().max_by_key(|shop| shop.version)?;
        let (mut categories, mut extras, mut items, mut slugs) = before.map_or_else(Default::default, |menu| {
            (menu.categories.clone(), menu.extras.clone(), menu.items.clone(), menu.slugs.clone())
        });
        for category in parts.categories {
            if categories.get(&category.slug).is_none_or(|known| known.version < category.version) {
                categories.insert(category.slug.clone(), category);
            }
        }
        for extra in parts.extras {
            if extras.get(&extra.slug).is_none_or(|known| known.version < extra.version) {
                extras.insert(extra.slug.clone(), extra);
            }
        }
        for item in parts.items {
            if items.get(&item.id.0).is_none_or(|known: &Arc<Entry>| known.item.version < item.version) {
                slugs.insert(item.slug.clone(), item.id.0);
                items.insert(item.id.0, Arc::new(Entry::new(item)));
            }
        }
        let named = shop.languages.iter().map(|language| (language.clone(), OnceLock::new())).collect();
        let mut menu = Menu {
            shop_shown: shop_shown(&shop),
            shop,
            categories,
            extras,
            items,
            slugs,
            version: 0,
            by_price: OnceLock::new(),
            by_age: OnceLock::new(),
            by_name: named,
        };
        menu.version = menu.digest();
        Some(menu)
    }

    /// Finds an item by id, or by slug.
    pub fn find(&self, id: i64, slug: &str) -> Option<&Arc<Entry>> {
        let id = if id == 0 { self.slugs.get(slug)? } else { &id };
        self.items.get(id)
    }

    /// Gives all items by their lowest price.
    pub fn by_price(&self) -> &Sorted {
        self.by_price.get_or_init(|| self.sorted(|entry| Key::Number(entry.shown.from_minor)))
    }

    /// Gives all items, the newest first.
    pub fn by_age(&self) -> &Sorted {
        self.by_age.get_or_init(|| self.sorted(|entry| Key::Number(-entry.item.created_at.micros())))
    }

    /// Gives all items by their names in a language of the shop; none for another language.
    pub fn by_name(&self, language: &str) -> Option<&Sorted> {
        let place = self.by_name.get(language)?;
        Some(place.get_or_init(|| self.sorted(|entry| Key::Text(fold(entry.item.name.get(language))))))
    }

    fn sorted(&self, key: impl Fn(&Entry) -> Key) -> Sorted {
        let mut all: Sorted = self.items.values().map(|entry| (key(entry), entry.item.id.0, entry.clone())).collect();
        all.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
        all
    }

    /// A sum over things and their versions, so that it does not depend on their order. Never 0, which means unknown.
    fn digest(&self) -> i64 {
        let categories = self.categories.values().map(|category| (category.id.0, category.version));
        let extras = self.extras.values().map(|extra| (extra.id, extra.version));
        let items = self.items.values().map(|entry| (entry.item.id.0, entry.item.version));
        let all = categories.chain(extras).chain(items).chain([(-self.shop.id.0, self.shop.version)]);
        let sum = all.fold(0u64, |sum, (id, version)| {
            let bytes = id.to_be_bytes().into_iter().chain(version.to_be_bytes());
            sum.wrapping_add(fnv(bytes))
        });
        (sum >> 1).cast_signed().max(1)
    }
}

/// FNV-1a, 64 bits.
pub fn fnv(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
