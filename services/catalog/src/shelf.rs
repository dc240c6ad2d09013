//! Keeps the menus at hand: quotes and lists read memory, and are right within a bounded time in every process.
//!
//! A write of this process is read back before it is answered. What other processes write is found by asking the store
//! what has changed since the newest thing known: at most every [`FRESH_FOR`], by one caller while the others go on with
//! what they have, but nobody is answered from a menu that was last compared longer ago than [`STALE_MAX`]. Writers'
//! clocks may differ by [`CLOCKS_DIFFER`]; beyond that, [`FULL_AFTER`] bounds it, when everything is read again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use base::id::ShopId;
use base::{Fault, Mistake, Timestamp, World, planted};
use documents::Store;

use crate::domain::Error;
use crate::menu::Menu;
use crate::store;

/// How long a menu counts as compared.
const FRESH_FOR: Duration = Duration::from_millis(500);
/// How old a comparison may be when somebody is answered from it.
const STALE_MAX: Duration = Duration::from_secs(2);
/// How much the clocks of writers may differ.
const CLOCKS_DIFFER: Duration = Duration::from_secs(10);
/// When everything is read again.
const FULL_AFTER: Duration = Duration::from_secs(60);
/// How many shops' menus are kept in memory.
const SHOPS_MAX: usize = 256;

/// A menu and when it was compared, by the monotonic clock.
#[derive(Clone)]
struct Held {
    menu: Arc<Menu>,
    compared: Duration,
    read_whole: Duration,
    newest: Timestamp,
}

#[derive(Default)]
struct Slot {
    held: RwLock<Option<Held>>,
    /// Whoever compares; the others wait here only when what is held is too old.
    comparing: tokio::sync::Mutex<()>,
}

/// The menus of all shops that were asked for.
pub struct Shelf {
    store: Store,
    world: World,
    slots: Mutex<BTreeMap<ShopId, Arc<Slot>>>,
}

impl Shelf {
    /// Makes an empty one.
    pub fn new(store: Store, world: World) -> Shelf {
        Shelf { store, world, slots: Mutex::default() }
    }

    /// Gives a shop's menu.
    pub async fn menu(&self, shop: ShopId) -> Result<Arc<Menu>, Fault> {
        let slot = self.slot(shop);
        let (held, age) = self.held(&slot);
        let _turn = match (held, slot.comparing.try_lock()) {
            (Some(held), _) if age < FRESH_FOR => return Ok(held.menu),
            (Some(held), Err(_)) if age < STALE_MAX => return Ok(held.menu),
            (_, Ok(turn)) => turn,
            (_, Err(_)) => slot.comparing.lock().await,
        };
        match self.held(&slot) {
            // Somebody compared while this one waited.
            (Some(held), age) if age < FRESH_FOR => Ok(held.menu),
            (held, _) => self.compare(shop, &slot, held).await,
        }
    }

    fn held(&self, slot: &Slot) -> (Option<Held>, Duration) {
        let held = slot.held.read().expect("nothing panics while a menu is held").clone();
        let age = held.as_ref().map_or(Duration::MAX, |held| self.world.monotonic().saturating_sub(held.compared));
        (held, age)
    }

    /// Compares a shop's menu now, so that what this process wrote is seen by whoever asks next.
    pub async fn refresh(&self, shop: ShopId) -> Result<Arc<Menu>, Fault> {
        let slot = self.slot(shop);
        let _turn = slot.comparing.lock().await;
        let (held, _) = self.held(&slot);
        self.compare(shop, &slot, held).await
    }

    async fn compare(&self, shop: ShopId, slot: &Slot, held: Option<Held>) -> Result<Arc<Menu>, Fault> {
        // The clock is read first: what is written while the store answers counts as not yet compared.
        let (compared, now) = (self.world.monotonic(), self.world.now());
        let held = held.filter(|held| compared.saturating_sub(held.read_whole) < FULL_AFTER);
        let since = held.as_ref().map_or(Timestamp(i64::MIN), |held| held.newest.min(now) - CLOCKS_DIFFER);
        let since = held.as_ref().filter(|_| planted(Mistake::MenuByTheClock)).map_or(since, |held| held.newest);
        let parts = store::changed(&self.store, shop, since).await?;
        let newest = parts.items.iter().map(|item| item.changed_at).max().unwrap_or(now).max(now);
        let menu = match held.as_ref().map(|held| &held.menu) {
            Some(menu) if is_known(menu, &parts) => menu.clone(),
            known => match Menu::merged(known.map(Arc::as_ref), parts) {
                Some(menu) => Arc::new(menu),
                None => {
                    self.slots.lock().expect("nothing panics while the slots are held").remove(&shop);
                    return Err(Error::ShopUnknown.fault());
                }
            },
        };
        let read_whole = held.map_or(compared, |held| held.read_whole);
        *slot.held.write().expect("nothing panics while a menu is held") =
            Some(Held { menu: menu.clone(), compared, read_whole, newest });
        Ok(menu)
    }

    fn slot(&self, shop: ShopId) -> Arc<Slot> {
        let mut slots = self.slots.lock().expect("nothing panics while the slots are held");
        if slots.len() >= SHOPS_MAX && !slots.contains_key(&shop) {
            // Any will do: who is asked for often comes back at once.
            slots.pop_first();
        }
        slots.entry(shop).or_default().clone()
    }
}

/// Tells whether nothing that was read is newer than what is known.
fn is_known(menu: &Menu, parts: &crate::menu::Parts) -> bool {
    parts.shop.iter().all(|shop| shop.version <= menu.shop.version)
        && parts.categories.iter().all(|new| menu.categories.get(&new.slug).is_some_and(|known| known.version >= new.version))
        && parts.extras.iter().all(|new| menu.extras.get(&new.slug).is_some_and(|known| known.version >= new.version))
        && parts.items.iter().all(|new| menu.items.get(&new.id.0).is_some_and(|known| known.item.version >= new.version))
}

#[cfg(test)]
mod tests {
    use base::id::ItemId;
    use documents::Once;
    use host::testing::Platform;

    use super::*;
    use crate::domain::{Item, Said, tests};

    async fn put(store: &Store, item: &Item) {
        let change = store::put_item(item, vec![Said::Changed], store.world().now(), "test").unwrap();
        store.commit(Once::Nothing, change).await.unwrap();
    }

    async fn platform() -> (Platform, Store) {
        let platform = Platform::start([crate::service()]).await;
        let store = platform.ctx("catalog").documents().clone();
        let shop = crate::domain::Shop { version: 0, ..tests::shop() };
        let change = store::put_shop(&shop, store.world().now()).unwrap();
        store.commit(Once::Nothing, change).await.unwrap();
        put(&store, &Item { version: 0, ..tests::item() }).await;
        (platform, store)
    }

    #[tokio::test]
    async fn what_another_process_writes_is_seen_within_a_bounded_time() {
        let (platform, store) = platform().await;
        let shelf = Arc::new(Shelf::new(store.clone(), store.world().clone()));
        let before = shelf.menu(ShopId(1)).await.unwrap();
        // Written past this shelf, as another process would.
        let mut dearer = tests::item();
        dearer.variants[0].price_minor = 9_999;
        put(&store, &dearer).await;
        let wrote = store.world().monotonic();
        let after = platform
            .eventually("the new price is seen", || {
                let shelf = shelf.clone();
                async move {
                    let menu = shelf.menu(ShopId(1)).await?;
                    let price = menu.find(7, "").map(|entry| entry.item.variants[0].price_minor);
                    Ok(if price == Some(9_999) { Ok(menu) } else { Err(format!("{price:?}")) })
                }
            })
            .await;
        assert!(store.world().monotonic() - wrote < STALE_MAX);
        assert_ne!(before.version, after.version);
    }

    #[tokio::test]
    async fn what_this_process_wrote_is_there_at_once_and_the_state_has_one_name() {
        let (_platform, store) = platform().await;
        let shelf = Shelf::new(store.clone(), store.world().clone());
        shelf.menu(ShopId(1)).await.unwrap();
        let second = Item { id: ItemId(8), slug: "second".to_owned(), version: 0, ..tests::item() };
        put(&store, &second).await;
        let menu = shelf.refresh(ShopId(1)).await.unwrap();
        assert_eq!(menu.items.len(), 2);
        assert_eq!(Shelf::new(store.clone(), store.world().clone()).menu(ShopId(1)).await.unwrap().version, menu.version);
        assert_eq!(shelf.refresh(ShopId(1)).await.unwrap().version, menu.version, "nothing changed");
    }

    #[tokio::test]
    async fn a_shop_that_is_not_there_takes_no_room() {
        let (_platform, store) = platform().await;
        let shelf = Shelf::new(store.clone(), store.world().clone());
        for shop in 2..20 {
            assert_eq!(shelf.menu(ShopId(shop)).await.unwrap_err().code, "shop_not_found");
        }
        assert!(shelf.slots.lock().unwrap().is_empty());
    }

    #[test]
    fn of_two_states_of_a_thing_the_newer_one_stays() {
        let parts = |version| crate::menu::Parts {
            shop: Some(tests::shop()),
            items: vec![Item { version, ..tests::item() }],
            ..Default::default()
        };
        let newer = Menu::merged(None, parts(3)).unwrap();
        assert_eq!(Menu::merged(Some(&newer), parts(2)).unwrap().find(7, "").unwrap().item.version, 3);
        assert_eq!(Menu::merged(Some(&newer), parts(4)).unwrap().find(0, "margherita").unwrap().item.version, 4);
    }
}
