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
        let zone = match store::shop(ctx.store(), shop).await? {
            Some((zone, _)) => zone,
            None => {
                let mut catalog = CatalogClient::new(ctx.peer("catalog", &ctx.call(""))?);
                let found = catalog.get_shop(GetShopRequest { shop_id: shop.0 }).await.map_err(wire::fault_of)?.into_inner();
                let keep = Change::new().write(store::put_shop(shop, &found.time_zone, &found.currency));
                ctx.store().commit(Once::Nothing, keep).await?;
                found.time_zone
            }
        };
        let clock = ShopClock::new(&zone, 0)?;
        self.0.write().expect("nothing panics while the calendars are held").insert(shop, clock.clone());
        Ok(clock)
    }

    /// Forgets what is in memory.
    pub fn forget(&self) {
        self.0.write().expect("nothing panics while the calendars are held").clear();
    }
}
