//! The only file that knows how the menu lies in documents.

use base::event::Fact;
use base::id::ShopId;
use base::{Fault, NewEvent, Timestamp};
use catalog_api::events::{AvailabilityChanged, ItemChanged, ItemCreated, ItemRetired, PriceChanged};
use documents::{Change, Collection, Doc, Field, Index, Order, Query, Store};
use serde::de::DeserializeOwned;

use crate::domain::{Category, Error, Extra, Item, Said, Shop};
use crate::menu::Parts;

const FIELDS: &[Field] = &[Field::int("shop_id"), Field::text("slug"), Field::int("changed")];
const INDEXES: &[Index] = &[Index::Unique(&["shop_id", "slug"]), Index::On(&["shop_id", "changed"])];

static SHOPS: Collection = Collection { name: "shops", fields: FIELDS, indexes: INDEXES };
static CATEGORIES: Collection = Collection { name: "categories", fields: FIELDS, indexes: INDEXES };
static OPTIONS: Collection = Collection { name: "options", fields: FIELDS, indexes: INDEXES };
static ITEMS: Collection = Collection { name: "items", fields: FIELDS, indexes: INDEXES };

/// What the catalogue keeps.
pub static COLLECTIONS: &[Collection] = &[SHOPS, CATEGORIES, OPTIONS, ITEMS];

/// How many documents one read takes.
const PAGE: usize = 500;

macro_rules! versioned {
    ($($type:ident),*) => {
        $(impl Versioned for $type {
            fn at(mut self, version: i64) -> Self {
                self.version = version;
                self
            }
        })*
    };
}

trait Versioned: DeserializeOwned {
    fn at(self, version: i64) -> Self;
}

versioned!(Shop, Category, Extra, Item);

fn read<T: Versioned>(doc: &Doc) -> Result<T, Fault> {
    Ok(doc.read::<T>()?.at(doc.version))
}

/// Reads what has changed since a time, by the clocks of those who wrote it; everything when since is the beginning.
pub async fn changed(store: &Store, shop: ShopId, since: Timestamp) -> Result<Parts, Fault> {
    Ok(Parts {
        shop: since_in::<Shop>(store, &SHOPS, shop, since).await?.pop(),
        categories: since_in(store, &CATEGORIES, shop, since).await?,
        extras: since_in(store, &OPTIONS, shop, since).await?,
        items: since_in(store, &ITEMS, shop, since).await?,
    })
}

async fn since_in<T: Versioned>(
    store: &Store,
    collection: &'static Collection,
    shop: ShopId,
    since: Timestamp,
) -> Result<Vec<T>, Fault> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let query = Query::all().is("shop_id", documents::id(shop)).at_least("changed", since.micros());
        let page = store.find(collection, query.sort("changed", Order::Up).after(after).limit(PAGE)).await?;
        for doc in &page.docs {
            all.push(read(doc)?);
        }
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Finds a shop.
pub async fn shop(store: &Store, shop: ShopId) -> Result<Shop, Fault> {
    find_shop(store, shop).await?.ok_or_else(|| Error::ShopUnknown.fault())
}

/// Finds a shop that may not be there.
pub async fn find_shop(store: &Store, shop: ShopId) -> Result<Option<Shop>, Fault> {
    store.get(&SHOPS, shop.0).await?.as_ref().map(read).transpose()
}

/// Finds an item by its id.
pub async fn item(store: &Store, id: i64) -> Result<Item, Fault> {
    let doc = store.get(&ITEMS, id).await?.ok_or_else(|| Error::ItemUnknown.fault())?;
    read(&doc)
}

/// Finds a category by its slug.
pub async fn category(store: &Store, shop: ShopId, slug: &str) -> Result<Option<Category>, Fault> {
    by_slug(store, &CATEGORIES, shop, slug).await
}

/// Gives all categories of a shop.
pub async fn categories(store: &Store, shop: ShopId) -> Result<Vec<Category>, Fault> {
    since_in(store, &CATEGORIES, shop, Timestamp(i64::MIN)).await
}

/// Refuses a slug that an item of the shop has.
pub async fn item_slug_is_free(store: &Store, shop: ShopId, slug: &str) -> Result<(), Fault> {
    free(by_slug::<Item>(store, &ITEMS, shop, slug).await?.is_none())
}

/// Refuses a slug that a category of the shop has.
pub async fn category_slug_is_free(store: &Store, shop: ShopId, slug: &str) -> Result<(), Fault> {
    free(by_slug::<Category>(store, &CATEGORIES, shop, slug).await?.is_none())
}

/// Refuses a slug that an option of the shop has.
pub async fn option_slug_is_free(store: &Store, shop: ShopId, slug: &str) -> Result<(), Fault> {
    free(by_slug::<Extra>(store, &OPTIONS, shop, slug).await?.is_none())
}

fn free(free: bool) -> Result<(), Fault> {
    if free { Ok(()) } else { Err(Error::SlugTaken.fault()) }
}

async fn by_slug<T: Versioned>(
    store: &Store,
    collection: &'static Collection,
    shop: ShopId,
    slug: &str,
) -> Result<Option<T>, Fault> {
    let query = Query::all().is("shop_id", documents::id(shop)).is("slug", slug);
    store.find_one(collection, query).await?.as_ref().map(read).transpose()
}

/// Puts a shop.
pub fn put_shop(shop: &Shop, now: Timestamp) -> Result<Change, Fault> {
    let change = Change::put(&SHOPS, shop.id.0, shop.version, shop)?;
    Ok(change.with("shop_id", shop.id.0).with("slug", shop.slug.as_str()).with("changed", now.micros()))
}

/// Puts a category.
pub fn put_category(category: &Category, now: Timestamp) -> Result<Change, Fault> {
    let change = Change::put(&CATEGORIES, category.id.0, category.version, category)?;
    Ok(change.with("shop_id", category.shop.0).with("slug", category.slug.as_str()).with("changed", now.micros()))
}

/// Puts an option.
pub fn put_option(extra: &Extra, now: Timestamp) -> Result<Change, Fault> {
    let change = Change::put(&OPTIONS, extra.id, extra.version, extra)?;
    Ok(change.with("shop_id", extra.shop.0).with("slug", extra.slug.as_str()).with("changed", now.micros()))
}

/// Puts an item and says what happened to it; when nothing did, only the answer is recorded.
pub fn put_item(item: &Item, said: Vec<Said>, now: Timestamp, correlation: &str) -> Result<Change, Fault> {
    if said.is_empty() {
        return Ok(Change::touch(&ITEMS, item.id.0, item.version));
    }
    let change = Change::put(&ITEMS, item.id.0, item.version, item)?;
    let change = change.with("shop_id", item.shop.0).with("slug", item.slug.as_str()).with("changed", now.micros());
    Ok(said.into_iter().fold(change, |change, said| change.say(event(item, said, now, correlation))))
}

fn event(item: &Item, said: Said, now: Timestamp, correlation: &str) -> NewEvent {
    fn of(fact: &impl Fact, now: Timestamp, correlation: &str) -> NewEvent {
        NewEvent::of(fact, now, correlation)
    }
    let (item_id, shop_id, version) = (item.id, item.shop, item.version + 1);
    match said {
        Said::Created => of(&ItemCreated { item_id, shop_id, slug: item.slug.clone(), version }, now, correlation),
        Said::Changed => of(&ItemChanged { item_id, shop_id, version }, now, correlation),
        Said::Prices(changes) => of(&PriceChanged { item_id, shop_id, changes, version }, now, correlation),
        Said::Retired => of(&ItemRetired { item_id, shop_id, version }, now, correlation),
        Said::Availability(size, available) => {
            of(&AvailabilityChanged { item_id, shop_id, size, available, version }, now, correlation)
        }
    }
}
