//! The small menu with which an empty platform is filled: through the rpcs of the services, as staff would do it.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{Fault, RequestKey};
use catalog::seed::{MENU, Menu, parse_menu};
use catalog_api::catalog_client::CatalogClient;
use catalog_api::{
    Attribute, Category, ChangeShopRequest, ChoiceName, CreateCategoryRequest, CreateItemRequest, CreateOptionRequest, Day,
    Extra, Interval, Item, Need, Shop, Step, Variant,
};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use host::{Ctx, Platform};
use inventory_api::inventory_client::InventoryClient;
use inventory_api::{AddItemRequest, GetLevelRequest};
use kitchen_api::kitchen_client::KitchenClient;
use kitchen_api::{PutStationRequest, Station};
use tonic::{Response, Status};
use wire::{Channel, fault_of};

/// The name in the file that says that the platform was filled, or that nobody wanted it to be.
const MARK: &str = "seeded";
/// The shop that every platform begins with.
const SHOP: i64 = 1;
/// What the acts say.
const REASON: &str = "the small menu of an empty platform";

/// Fills an empty platform: with the small menu, or with nothing but a shop and its kitchen when it is to be bare.
///
/// Interrupted, it goes on at the next start: what is there already counts as done, whoever put it there.
pub async fn if_empty(platform: &Platform, bare: bool) -> Result<(), Fault> {
    if platform.database().meta(MARK)?.is_some() {
        return Ok(());
    }
    let menu = parse_menu(MENU)?;
    let seeder = Seeder { ctx: platform.ctx("gateway") };
    let (world, mut tries) = (platform.world(), 0);
    while let Err(fault) = seeder.fill(&menu, bare).await {
        if !fault.is_retryable() || tries == TRIES_MAX {
            return Err(fault);
        }
        tracing::warn!(%fault, cause = fault.cause, "filling the empty platform goes on in a moment");
        world.sleep(world.backoff(tries, TRY_WAIT.0, TRY_WAIT.1)).await;
        tries += 1;
    }
    platform.database().set_meta(MARK, if bare { "bare" } else { "menu" }).await
}

/// Takes a refusal that says that the thing is there already as done: the answers recorded under the keys of the steps
/// are forgotten after a day, and staff may have changed since then what an earlier start had put there.
fn unless_there<T>(reply: Result<Response<T>, Status>, there: &str) -> Result<Option<T>, Fault> {
    match reply.map_err(fault_of) {
        Ok(answer) => Ok(Some(answer.into_inner())),
        Err(fault) if fault.code == there => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// How often it is tried again where no answer came in time: a machine may have much else to do just when it starts. What lasts,
/// such as a full disk, is told within half a minute.
const TRIES_MAX: u32 = 15;
/// The wait after the first of them, and the longest one.
const TRY_WAIT: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));
/// How many steps go side by side, so that they share flushes: whoever starts for the first time waits for them.
const AT_ONCE: usize = 16;

struct Seeder {
    ctx: Ctx,
}

impl Seeder {
    /// Does all steps; those that an earlier try has done count as done.
    async fn fill(&self, menu: &Menu, bare: bool) -> Result<(), Fault> {
        self.shop(menu).await?;
        self.stations(menu).await?;
        if !bare {
            let stock = self.stock(menu).await?;
            self.categories(menu).await?;
            self.options(menu, &stock).await?;
            self.items(menu, &stock).await?;
        }
        Ok(())
    }

    /// Gives the way to a service under the key of one step.
    fn step(&self, service: &'static str, step: &str) -> Result<Channel, Fault> {
        let call = self.ctx.call("seed");
        let request = RequestKey::new(&call.principal, service, step, b"");
        self.ctx.peer(service, &call.once(request))
    }

    async fn shop(&self, menu: &Menu) -> Result<(), Fault> {
        let shop = &menu.shop;
        let day = |spans: &[catalog::seed::Span]| Day {
            intervals: spans
                .iter()
                .map(|span| Interval { opens_minute: span.opens_minute, closes_minute: span.closes_minute })
                .collect(),
        };
        let shop = Shop {
            shop_id: SHOP,
            slug: shop.slug.clone(),
            name: shop.name.0.clone(),
            time_zone: shop.time_zone.clone(),
            currency: shop.currency.clone(),
            languages: shop.languages.clone(),
            tax_rate_bp: shop.tax_rate_bp,
            tax_included: shop.tax_included,
            delivery_fee_minor: shop.delivery_fee_minor,
            opening: shop.opening_hours.days().iter().map(|spans| day(spans)).collect(),
            version: 0,
        };
        let mut catalog = CatalogClient::new(self.step("catalog", "shop")?);
        let reply = catalog.change_shop(ChangeShopRequest { shop: Some(shop), reason: REASON.to_owned() }).await;
        unless_there(reply, "stale_version").map(drop)
    }

    /// Adds ingredients and goods to stock; gives their ids by slug.
    async fn stock(&self, menu: &Menu) -> Result<BTreeMap<String, i64>, Fault> {
        let ingredients = menu
            .ingredients
            .iter()
            .map(|thing| (&thing.slug, &thing.name, thing.unit.as_str(), thing.low_stock_at, thing.initial));
        let goods = menu
            .items
            .iter()
            .filter_map(|item| item.stock.map(|stock| (&item.slug, &item.name, "pcs", stock.low_stock_at, stock.initial)));
        let added = ingredients.chain(goods).map(|(slug, name, unit, low_at, initial)| async move {
            let mut inventory = InventoryClient::new(self.step("inventory", slug)?);
            let request = AddItemRequest {
                shop_id: SHOP,
                slug: slug.clone(),
                name: name.0.clone(),
                unit: unit.to_owned(),
                low_at,
                initial,
                reason: REASON.to_owned(),
            };
            let level = match unless_there(inventory.add_item(request).await, "stock_exists")? {
                Some(level) => level,
                None => {
                    let request = GetLevelRequest { stock_id: 0, shop_id: SHOP, slug: slug.clone() };
                    inventory.get_level(request).await.map_err(fault_of)?.into_inner()
                }
            };
            Ok((slug.clone(), level.stock_id))
        });
        stream::iter(added).buffered(AT_ONCE).try_collect().await
    }

    async fn categories(&self, menu: &Menu) -> Result<(), Fault> {
        for category in &menu.categories {
            let attributes = category.attributes.iter().map(|attribute| Attribute {
                slug: attribute.slug.clone(),
                kind: attribute.kind.clone(),
                name: attribute.name.0.clone(),
                choices: attribute
                    .choices
                    .iter()
                    .map(|choice| (choice.slug.clone(), ChoiceName { name: choice.name.0.clone() }))
                    .collect(),
            });
            let category = Category {
                category_id: 0,
                shop_id: SHOP,
                slug: category.slug.clone(),
                kind: category.kind.clone(),
                name: category.name.0.clone(),
                attributes: attributes.collect(),
            };
            let mut catalog = CatalogClient::new(self.step("catalog", &format!("category {}", category.slug))?);
            let request = CreateCategoryRequest { category: Some(category), reason: REASON.to_owned() };
            unless_there(catalog.create_category(request).await, "slug_taken")?;
        }
        Ok(())
    }

    async fn options(&self, menu: &Menu, stock: &BTreeMap<String, i64>) -> Result<(), Fault> {
        for option in &menu.options {
            let extra = Extra {
                slug: option.slug.clone(),
                name: option.name.0.clone(),
                price_minor: option.price_minor,
                categories: option.categories.clone(),
                needs: option
                    .ingredients
                    .iter()
                    .filter_map(|(slug, quantity)| Some(Need { stock_id: *stock.get(slug)?, quantity: *quantity }))
                    .collect(),
                without: option.without.iter().filter_map(|slug| stock.get(slug).copied()).collect(),
                shop_id: SHOP,
            };
            let mut catalog = CatalogClient::new(self.step("catalog", &format!("option {}", option.slug))?);
            let request = CreateOptionRequest { option: Some(extra), reason: REASON.to_owned() };
            unless_there(catalog.create_option(request).await, "slug_taken")?;
        }
        Ok(())
    }

    async fn items(&self, menu: &Menu, stock: &BTreeMap<String, i64>) -> Result<(), Fault> {
        let created = menu.items.iter().map(|item| async move {
            let variants = item.variants.iter().map(|variant| Variant {
                size: variant.size.clone(),
                price_minor: variant.price_minor,
                needs: menu
                    .needs(item, &variant.size)
                    .into_iter()
                    .filter_map(|(slug, quantity)| Some(Need { stock_id: *stock.get(&slug)?, quantity }))
                    .collect(),
                sold_out: false,
                percent: menu.percent(&variant.size),
            });
            let steps = item.steps.iter().map(|step| Step {
                station: step.station.clone(),
                seconds: step.seconds,
                celsius: step.celsius,
            });
            let wanted = Item {
                shop_id: SHOP,
                slug: item.slug.clone(),
                kind: item.kind.clone(),
                category: item.category.clone(),
                name: item.name.0.clone(),
                description: item.description.0.clone(),
                attributes: item.attributes_json(),
                variants: variants.collect(),
                steps: steps.collect(),
                tax_rate_bp: menu.shop.tax_rate_bp,
                available: true,
                ..Item::default()
            };
            let mut catalog = CatalogClient::new(self.step("catalog", &format!("item {}", item.slug))?);
            let request = CreateItemRequest { item: Some(wanted), reason: REASON.to_owned() };
            unless_there(catalog.create_item(request).await, "slug_taken").map(drop)
        });
        stream::iter(created).buffered(AT_ONCE).try_collect().await
    }

    async fn stations(&self, menu: &Menu) -> Result<(), Fault> {
        for station in &menu.stations {
            let wanted = Station {
                shop_id: SHOP,
                slug: station.slug.clone(),
                kind: station.slug.clone(),
                name: station.name.0.clone(),
                places: u32::try_from(station.places).unwrap_or(1),
                ..Station::default()
            };
            let mut kitchen = KitchenClient::new(self.step("kitchen", &station.slug)?);
            let request = PutStationRequest { station: Some(wanted), reason: REASON.to_owned() };
            // One that is there with other places than these says that it is newer than version 0.
            unless_there(kitchen.put_station(request).await, "stale_version")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use catalog_api::{ListItemsRequest, SetAvailabilityRequest};
    use host::testing::Platform;

    use super::*;

    /// Takes away what makes the steps of a seeding repeatable for a day: the recorded answers, and the mark.
    async fn a_day_later(platform: &Platform) {
        let forget = "delete from platform_meta where key = 'seeded'";
        platform.inner().database().write(move |tx| Ok(tx.execute(forget, [])?)).await.unwrap();
        let old = platform.now() + std::time::Duration::from_secs(1);
        platform.ctx("catalog").documents().forget_answers(old).await.unwrap();
        for service in ["inventory", "kitchen"] {
            platform.ctx(service).store().forget_answers(old).await.unwrap();
        }
    }

    async fn items(platform: &Platform) -> Vec<Item> {
        let channel = platform.channel("catalog", host::testing::guest(1));
        let request = ListItemsRequest { shop_id: SHOP, limit: 200, ..ListItemsRequest::default() };
        CatalogClient::new(channel).list_items(request).await.unwrap().into_inner().items
    }

    #[tokio::test]
    async fn a_seeding_that_broke_off_anywhere_is_finished_after_its_answers_were_forgotten() {
        let platform = Platform::start(crate::services::all()).await;
        let menu = parse_menu(MENU).unwrap();
        let seeder = Seeder { ctx: platform.inner().ctx("gateway") };
        seeder.shop(&menu).await.unwrap();
        seeder.stock(&menu).await.unwrap();
        seeder.categories(&menu).await.unwrap();
        a_day_later(&platform).await;
        if_empty(platform.inner(), false).await.unwrap();
        assert_eq!(items(&platform).await.len(), menu.items.len());
        // And again, although everything is there.
        a_day_later(&platform).await;
        if_empty(platform.inner(), false).await.unwrap();
        assert_eq!(items(&platform).await.len(), menu.items.len());
    }

    #[tokio::test]
    async fn what_staff_changed_meanwhile_stays_as_they_left_it() {
        let platform = Platform::start(crate::services::all()).await;
        if_empty(platform.inner(), false).await.unwrap();
        let item = items(&platform).await.remove(0);
        let mut catalog = CatalogClient::new(platform.writing("catalog", host::testing::staff(), "off", ""));
        let off = SetAvailabilityRequest { item_id: item.item_id, version: item.version, ..SetAvailabilityRequest::default() };
        catalog.set_availability(off).await.unwrap();
        a_day_later(&platform).await;
        if_empty(platform.inner(), false).await.unwrap();
        let after = items(&platform).await.into_iter().find(|other| other.item_id == item.item_id).unwrap();
        assert!(!after.available);
    }

    #[tokio::test]
    async fn a_bare_platform_has_a_shop_and_stays_bare() {
        let platform = Platform::start(crate::services::all()).await;
        if_empty(platform.inner(), true).await.unwrap();
        if_empty(platform.inner(), false).await.unwrap();
        assert_eq!(items(&platform).await.len(), 0);
    }
}
