//! The contract's verbs: who may, then the rules, then the store.

use std::sync::Arc;

use base::id::{CategoryId, ItemId, ShopId};
use base::{Fault, World};
use catalog_api as api;
use catalog_api::catalog_server::Catalog;
use documents::{Store, settle};
use host::{Ctx, answer};
use tonic::{Request, Response, Status};
use wire::Call;

use crate::convert;
use crate::domain::{Act, CATEGORIES_MAX, Category, Error, ITEMS_MAX, Item, OPTIONS_MAX, Problem, Said, Shop, What};
use crate::shelf::Shelf;
use crate::{list, quote, store};

type Reply<T> = Result<Response<T>, Status>;

/// The server of the contract.
pub struct Rpc {
    store: Store,
    world: World,
    shelf: Arc<Shelf>,
}

impl Rpc {
    /// Makes it.
    pub fn new(ctx: Ctx) -> Rpc {
        let (store, world) = (ctx.documents().clone(), ctx.world().clone());
        let shelf = Arc::new(Shelf::new(store.clone(), world.clone()));
        Rpc { store, world, shelf }
    }

    /// Changes one item: loads it, lets `decide` say what becomes of it, commits, and reads the menu again.
    async fn edit(
        &self,
        call: &Call,
        id: i64,
        category: &str,
        decide: impl Fn(&Item, &Shop, Option<&Category>) -> Result<(Item, Vec<Said>), Error> + Send + Sync,
    ) -> Result<api::Item, Fault> {
        let shown: api::Item = settle(&self.store, &self.world, call.request, || async {
            let before = store::item(&self.store, id).await?;
            call.principal.must_serve(before.shop)?;
            let shop = store::shop(&self.store, before.shop).await?;
            let category = store::category(&self.store, before.shop, category).await?;
            let (mut after, said) = decide(&before, &shop, category.as_ref())?;
            let change = store::put_item(&after, said, self.world.now(), &call.correlation)?;
            after.version = change.version();
            Ok((change, convert::item_shown(&after)))
        })
        .await?;
        self.shelf.refresh(ShopId(shown.shop_id)).await?;
        Ok(shown)
    }

    fn act(&self, call: &Call, act: &str, reason: &str) -> Act {
        Act::of(&call.principal, act, reason, self.world.now())
    }
}

fn sent<T>(part: Option<T>, what: What) -> Result<T, Fault> {
    part.ok_or_else(|| Error::Bad(what, vec![Problem { field: "body".to_owned(), rule: "is missing" }]).fault())
}

#[tonic::async_trait]
impl Catalog for Rpc {
    async fn get_shop(&self, request: Request<api::GetShopRequest>) -> Reply<api::Shop> {
        answer(async { Ok(self.shelf.menu(ShopId(request.get_ref().shop_id)).await?.shop_shown.clone()) }).await
    }

    async fn change_shop(&self, request: Request<api::ChangeShopRequest>) -> Reply<api::Shop> {
        answer(async {
            let call = Call::of(&request)?;
            let message = request.into_inner();
            let shop = convert::shop(sent(message.shop, What::Shop)?);
            call.principal.must_serve(shop.id)?;
            let shown: api::Shop = settle(&self.store, &self.world, call.request, || async {
                let before = store::find_shop(&self.store, shop.id).await?;
                match &before {
                    // A shop begins with the platform, not with somebody who would like to be its staff.
                    None => call.principal.must_be_platform()?,
                    Some(before) if before.version != shop.version => {
                        return Err(Error::Stale { current: before.version }.fault());
                    }
                    Some(_) => {}
                }
                let mut after = shop.clone();
                after.version = before.as_ref().map_or(0, |before| before.version);
                if after.id.0 <= 0 {
                    return Err(Error::ShopUnknown.fault());
                }
                after.check(before.as_ref())?;
                let change = store::put_shop(&after, self.world.now())?;
                after.version = change.version();
                tracing::info!(shop = after.id.0, principal = %call.principal, reason = %message.reason, "the shop was changed");
                Ok((change, convert::shop_shown(&after)))
            })
            .await?;
            self.shelf.refresh(shop.id).await?;
            Ok(shown)
        })
        .await
    }

    async fn quote(&self, request: Request<api::QuoteRequest>) -> Reply<api::QuoteAnswer> {
        answer(async {
            let message = request.get_ref();
            let menu = self.shelf.menu(ShopId(message.shop_id)).await?;
            let lines = quote::quote(&menu, &message.lines)?;
            Ok(api::QuoteAnswer { lines, shop: Some(menu.shop_shown.clone()) })
        })
        .await
    }

    async fn list_items(&self, request: Request<api::ListItemsRequest>) -> Reply<api::ItemPage> {
        answer(async {
            let menu = self.shelf.menu(ShopId(request.get_ref().shop_id)).await?;
            Ok(list::page(&menu, request.get_ref())?)
        })
        .await
    }

    async fn get_item(&self, request: Request<api::GetItemRequest>) -> Reply<api::Item> {
        answer(async {
            let call = Call::of(&request)?;
            let message = request.get_ref();
            let item = if message.item_id == 0 {
                let menu = self.shelf.menu(ShopId(message.shop_id)).await?;
                menu.find(0, &message.slug).ok_or(Error::ItemUnknown)?.item.clone()
            } else {
                store::item(&self.store, message.item_id).await?
            };
            if message.shop_id != 0 && item.shop.0 != message.shop_id {
                return Err(Error::ItemUnknown.fault());
            }
            let mut shown = convert::item_shown(&item);
            if call.principal.serves(item.shop) {
                shown.acts = convert::acts_shown(&item);
            }
            Ok(shown)
        })
        .await
    }

    async fn create_item(&self, request: Request<api::CreateItemRequest>) -> Reply<api::Item> {
        answer(async {
            let call = Call::of(&request)?;
            let message = request.into_inner();
            let item = sent(message.item, What::Item)?;
            let shop = ShopId(item.shop_id);
            call.principal.must_serve(shop)?;
            let draft = convert::draft(item)?;
            let shown: api::Item = settle(&self.store, &self.world, call.request, || async {
                let owner = store::shop(&self.store, shop).await?;
                let category = store::category(&self.store, shop, &draft.category).await?;
                store::item_slug_is_free(&self.store, shop, &draft.slug).await?;
                if self.shelf.menu(shop).await?.items.len() >= ITEMS_MAX {
                    return Err(Error::Full { limit: ITEMS_MAX }.fault());
                }
                let (id, act) = (self.world.next_id::<ItemId>(), self.act(&call, "create", &message.reason));
                let (mut made, said) = Item::create(id, draft.clone(), &owner, category.as_ref(), act)?;
                let change = store::put_item(&made, said, self.world.now(), &call.correlation)?;
                made.version = change.version();
                Ok((change, convert::item_shown(&made)))
            })
            .await?;
            self.shelf.refresh(shop).await?;
            Ok(shown)
        })
        .await
    }

    async fn change_item(&self, request: Request<api::ChangeItemRequest>) -> Reply<api::Item> {
        answer(async {
            let call = Call::of(&request)?;
            let message = request.into_inner();
            let item = sent(message.item, What::Item)?;
            let (id, version) = (item.item_id, item.version);
            let draft = convert::draft(item)?;
            self.edit(&call, id, &draft.category, |before, shop, category| {
                before.change(draft.clone(), version, shop, category, self.act(&call, "change", &message.reason))
            })
            .await
        })
        .await
    }

    async fn retire_item(&self, request: Request<api::RetireItemRequest>) -> Reply<api::Item> {
        answer(async {
            let call = Call::of(&request)?;
            let message = request.get_ref();
            self.edit(&call, message.item_id, "", |before, _, _| {
                before.retire(message.version, self.act(&call, "retire", &message.reason))
            })
            .await
        })
        .await
    }

    async fn set_availability(&self, request: Request<api::SetAvailabilityRequest>) -> Reply<api::Item> {
        answer(async {
            let call = Call::of(&request)?;
            let message = request.get_ref();
            let verb = if message.available { "make_available" } else { "make_unavailable" };
            self.edit(&call, message.item_id, "", |before, _, _| {
                before.set_availability(message.version, &message.size, message.available, self.act(&call, verb, &message.reason))
            })
            .await
        })
        .await
    }

    async fn list_categories(&self, request: Request<api::ListCategoriesRequest>) -> Reply<api::CategoryList> {
        answer(async {
            let menu = self.shelf.menu(ShopId(request.get_ref().shop_id)).await?;
            let mut categories: Vec<_> = menu.categories.values().collect();
            categories.sort_by_key(|category| (category.created_at, category.id));
            Ok(api::CategoryList { categories: categories.into_iter().map(convert::category_shown).collect() })
        })
        .await
    }

    async fn create_category(&self, request: Request<api::CreateCategoryRequest>) -> Reply<api::Category> {
        answer(async {
            let call = Call::of(&request)?;
            let message = sent(request.into_inner().category, What::Category)?;
            let shop = ShopId(message.shop_id);
            call.principal.must_serve(shop)?;
            let shown: api::Category = settle(&self.store, &self.world, call.request, || async {
                let owner = store::shop(&self.store, shop).await?;
                let category = convert::category(message.clone(), self.world.next_id::<CategoryId>(), self.world.now())?;
                category.check(&owner)?;
                store::category_slug_is_free(&self.store, shop, &category.slug).await?;
                if store::categories(&self.store, shop).await?.len() >= CATEGORIES_MAX {
                    return Err(Error::Full { limit: CATEGORIES_MAX }.fault());
                }
                Ok((store::put_category(&category, self.world.now())?, convert::category_shown(&category)))
            })
            .await?;
            self.shelf.refresh(shop).await?;
            Ok(shown)
        })
        .await
    }

    async fn list_options(&self, request: Request<api::ListOptionsRequest>) -> Reply<api::OptionList> {
        answer(async {
            let menu = self.shelf.menu(ShopId(request.get_ref().shop_id)).await?;
            Ok(api::OptionList { options: menu.extras.values().map(convert::extra_shown).collect() })
        })
        .await
    }

    async fn create_option(&self, request: Request<api::CreateOptionRequest>) -> Reply<api::Extra> {
        answer(async {
            let call = Call::of(&request)?;
            let message = sent(request.into_inner().option, What::Option)?;
            let shop = ShopId(message.shop_id);
            call.principal.must_serve(shop)?;
            let shown: api::Extra = settle(&self.store, &self.world, call.request, || async {
                let owner = store::shop(&self.store, shop).await?;
                let extra = convert::extra(message.clone(), self.world.next_id::<ItemId>());
                extra.check(&owner, &store::categories(&self.store, shop).await?)?;
                store::option_slug_is_free(&self.store, shop, &extra.slug).await?;
                if self.shelf.menu(shop).await?.extras.len() >= OPTIONS_MAX {
                    return Err(Error::Full { limit: OPTIONS_MAX }.fault());
                }
                Ok((store::put_option(&extra, self.world.now())?, convert::extra_shown(&extra)))
            })
            .await?;
            self.shelf.refresh(shop).await?;
            Ok(shown)
        })
        .await
    }
}
