//! The calendars of shops. The catalogue is asked once per shop; afterwards the zone stands beside the figures, so that
//! they go on while the catalogue is away. A rebuild asks again.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use base::id::ShopId;
use base::{Fault, ShopClock};
use catalog_api::GetShopRequest;
use catalog_api::catalog_client::CatalogClient;
use host::{Change, Ctx};
use sql::Once;

use crate::store;

/// Known calendars. Clones share them.
#[derive(Clone, Default)]
pub struct Clocks(Arc<RwLock<BTreeMap<ShopId, ShopClock>>>);

impl Clocks {
    /// Gives the calendars of shops.
    pub async fn of(&self, ctx: &Ctx, shops: std::collections::BTreeSet<ShopId>) -> Result<BTreeMap<ShopId, ShopClock>, Fault> {
        let mut clocks = BTreeMap::new();
        for shop in shops {
            let known = self.0.read().expect("nothing panics while the calendars are held").get(&shop).cloned();
            let clock = match known {
                Some(clock) => clock,
                None => self.learn(ctx, shop).await?,
            };
            clocks.insert(shop, clock);
        }
        Ok(clocks)
    }

    async fn learn(&self, ctx: &Ctx, shop: ShopId) -> Result<ShopClock, Fault> {
        match store::shop(ctx.store(), shop).await? {
            Some((zone, _)) => self.set(shop, &zone),
            None => {
                let found = ask(ctx, shop).await?;
                let keep = Change::new().write(store::put_shop(shop, &found.time_zone, &found.currency));
                ctx.store().commit(Once::Nothing, keep).await?;
                self.set(shop, &found.time_zone)
            }
        }
    }

    fn set(&self, shop: ShopId, zone: &str) -> Result<ShopClock, Fault> {
        let clock = ShopClock::new(zone, 0)?;
        self.0.write().expect("nothing panics while the calendars are held").insert(shop, clock.clone());
        Ok(clock)
    }

    /// Asks the catalogue about every known shop again; gives what is to be kept.
    pub async fn renewed(&self, ctx: &Ctx) -> Result<Change, Fault> {
        let mut change = Change::new();
        for shop in store::shops(ctx.store()).await? {
            let found = ask(ctx, shop).await?;
            self.set(shop, &found.time_zone)?;
            change = change.write(store::put_shop(shop, &found.time_zone, &found.currency));
        }
        Ok(change)
    }
}

async fn ask(ctx: &Ctx, shop: ShopId) -> Result<catalog_api::Shop, Fault> {
    let mut catalog = CatalogClient::new(ctx.peer("catalog", &ctx.call(""))?);
    Ok(catalog.get_shop(GetShopRequest { shop_id: shop.0 }).await.map_err(wire::fault_of)?.into_inner())
}
