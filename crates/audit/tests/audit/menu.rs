//! A catalogue of one dish, as small as placing an order needs it.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use catalog_api::catalog_server::{Catalog, CatalogServer};
use catalog_api::*;
use host::Service;
use tonic::{Request, Response, Status};

#[derive(Clone)]
struct Menu {
    stock_id: Arc<AtomicI64>,
}

fn shop() -> Shop {
    Shop {
        shop_id: 1,
        currency: "USD".to_owned(),
        tax_included: true,
        time_zone: "America/New_York".to_owned(),
        ..Shop::default()
    }
}

type Answer<'f, T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send + 'f>>;

macro_rules! not_here {
    ($($name:ident: $ask:ty => $answer:ty),* $(,)?) => {
        $(
            // As async_trait would write it: it does not look into macros.
            fn $name<'a, 'f>(&'a self, _: Request<$ask>) -> Answer<'f, $answer>
            where
                'a: 'f,
                Self: 'f,
            {
                Box::pin(async { Err(Status::unimplemented(stringify!($name))) })
            }
        )*
    };
}

#[tonic::async_trait]
impl Catalog for Menu {
    async fn quote(&self, request: Request<QuoteRequest>) -> Result<Response<QuoteAnswer>, Status> {
        let line = |line: &LineRequest| QuotedLine {
            item_id: 1,
            slug: line.slug.clone(),
            name: BTreeMap::from([("en".to_owned(), "Hawaiian".to_owned())]),
            size: "M".to_owned(),
            quantity: line.quantity,
            unit_minor: 1_325,
            kind: "dish".to_owned(),
            tax_rate_bp: 887,
            needs: vec![Need { stock_id: self.stock_id.load(Ordering::Relaxed), quantity: 250 }],
            steps: vec![Step { station: "oven".to_owned(), seconds: 420, celsius: 280 }],
            ..QuotedLine::default()
        };
        Ok(Response::new(QuoteAnswer { lines: request.get_ref().lines.iter().map(line).collect(), shop: Some(shop()) }))
    }

    async fn get_shop(&self, _: Request<GetShopRequest>) -> Result<Response<Shop>, Status> {
        Ok(Response::new(shop()))
    }

    not_here! {
        change_shop: ChangeShopRequest => Shop,
        list_items: ListItemsRequest => ItemPage,
        get_item: GetItemRequest => Item,
        create_item: CreateItemRequest => Item,
        change_item: ChangeItemRequest => Item,
        retire_item: RetireItemRequest => Item,
        set_availability: SetAvailabilityRequest => Item,
        list_categories: ListCategoriesRequest => CategoryList,
        create_category: CreateCategoryRequest => Category,
        list_options: ListOptionsRequest => OptionList,
        create_option: CreateOptionRequest => Extra,
    }
}

/// Gives a catalogue whose dish needs one thing in stock.
pub fn service(stock_id: Arc<AtomicI64>) -> Service {
    Service::new("catalog").rpc(move |_| CatalogServer::new(Menu { stock_id }))
}
