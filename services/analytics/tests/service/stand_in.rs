//! A stand-in for the catalogue that knows one shop, in New York.

use catalog_api as api;
use catalog_api::catalog_server::{Catalog, CatalogServer};
use tonic::{Request, Response, Status};

struct OneShop;

macro_rules! not_asked {
    ($($name:ident: $request:ident -> $answer:ident;)*) => {
        #[tonic::async_trait]
        impl Catalog for OneShop {
            $(async fn $name(&self, _: Request<api::$request>) -> Result<Response<api::$answer>, Status> {
                Err(Status::unimplemented(stringify!($name)))
            })*

            async fn get_shop(&self, request: Request<api::GetShopRequest>) -> Result<Response<api::Shop>, Status> {
                let shop_id = request.get_ref().shop_id;
                Ok(Response::new(api::Shop { shop_id, time_zone: "America/New_York".into(), currency: "USD".into(), ..Default::default() }))
            }
        }
    };
}

not_asked! {
    change_shop: ChangeShopRequest -> Shop;
    quote: QuoteRequest -> QuoteAnswer;
    list_items: ListItemsRequest -> ItemPage;
    get_item: GetItemRequest -> Item;
    create_item: CreateItemRequest -> Item;
    change_item: ChangeItemRequest -> Item;
    retire_item: RetireItemRequest -> Item;
    set_availability: SetAvailabilityRequest -> Item;
    list_categories: ListCategoriesRequest -> CategoryList;
    create_category: CreateCategoryRequest -> Category;
    list_options: ListOptionsRequest -> OptionList;
    create_option: CreateOptionRequest -> Extra;
}

pub fn catalog() -> host::Service {
    host::Service::new("catalog").rpc(|_| CatalogServer::new(OneShop))
}
