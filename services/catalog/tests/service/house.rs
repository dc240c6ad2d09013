//! A platform with the catalogue alone, and a small menu in it.

use std::sync::atomic::{AtomicU64, Ordering};

use base::{Fault, Principal};
use catalog_api::catalog_client::CatalogClient;
use catalog_api::{self as api};
use host::testing::{Platform, staff};
use tonic::{Response, Status};
use wire::Channel;

pub type Client = CatalogClient<Channel>;

pub struct House {
    pub platform: Platform,
}

pub fn names(en: &str, ru: &str) -> std::collections::BTreeMap<String, String> {
    [("en".to_owned(), en.to_owned()), ("ru".to_owned(), ru.to_owned())].into()
}

pub fn said<T>(reply: Result<Response<T>, Status>) -> Result<T, Fault> {
    reply.map(Response::into_inner).map_err(wire::fault_of)
}

pub fn shop() -> api::Shop {
    api::Shop {
        shop_id: 1,
        slug: "main".to_owned(),
        name: names("Main", "Главная"),
        time_zone: "America/New_York".to_owned(),
        currency: "USD".to_owned(),
        languages: vec!["en".to_owned(), "ru".to_owned()],
        tax_rate_bp: 887,
        tax_included: true,
        ..Default::default()
    }
}

pub fn pizza(slug: &str, en: &str, ru: &str, price_minor: i64) -> api::Item {
    let variant = |size: &str, price_minor, percent| api::Variant {
        size: size.to_owned(),
        price_minor,
        needs: vec![api::Need { stock_id: 1, quantity: 250 * percent / 100 }],
        percent,
        sold_out: false,
    };
    api::Item {
        shop_id: 1,
        slug: slug.to_owned(),
        category: "classic".to_owned(),
        name: names(en, ru),
        description: names("With basil", "С базиликом"),
        attributes: [("spicy".to_owned(), "false".to_owned())].into(),
        variants: vec![variant("M", price_minor, 100), variant("L", price_minor + 500, 140)],
        steps: vec![api::Step { station: "oven".to_owned(), seconds: 400, celsius: 280 }],
        tax_rate_bp: 887,
        ..Default::default()
    }
}

impl House {
    /// A shop with a category and an option, and no item yet.
    pub async fn open() -> House {
        let house = House { platform: Platform::start([catalog::service()]).await };
        let mut platform = house.client_of(Principal::platform("app"));
        said(platform.change_shop(api::ChangeShopRequest { shop: Some(shop()), reason: "seed".to_owned() }).await).unwrap();
        let spicy = api::Attribute {
            slug: "spicy".to_owned(),
            kind: "bool".to_owned(),
            name: names("Spicy", "Острая"),
            choices: Default::default(),
        };
        let category = api::Category {
            shop_id: 1,
            slug: "classic".to_owned(),
            kind: "dish".to_owned(),
            name: names("Classic", "Классика"),
            attributes: vec![spicy],
            ..Default::default()
        };
        said(
            house.writer().create_category(api::CreateCategoryRequest { category: Some(category), reason: String::new() }).await,
        )
        .unwrap();
        let option = api::Extra {
            slug: "cheese".to_owned(),
            name: names("Cheese", "Сыр"),
            price_minor: 150,
            categories: vec!["classic".to_owned()],
            needs: vec![api::Need { stock_id: 2, quantity: 40 }],
            without: Vec::new(),
            shop_id: 1,
        };
        said(house.writer().create_option(api::CreateOptionRequest { option: Some(option), reason: String::new() }).await)
            .unwrap();
        house
    }

    pub fn client_of(&self, principal: Principal) -> Client {
        CatalogClient::new(self.platform.channel("catalog", principal))
    }

    /// Staff, with a fresh idempotency key.
    pub fn writer(&self) -> Client {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        self.writer_with(&format!("key{}", COUNT.fetch_add(1, Ordering::Relaxed)), "body")
    }

    pub fn writer_with(&self, key: &str, body: &str) -> Client {
        CatalogClient::new(self.platform.writing("catalog", staff(), key, body))
    }

    pub fn guest(&self) -> Client {
        self.client_of(host::testing::guest(5))
    }

    pub async fn make(&self, item: api::Item) -> api::Item {
        said(self.writer().create_item(api::CreateItemRequest { item: Some(item), reason: "new".to_owned() }).await).unwrap()
    }

    pub async fn quote(&self, slug: &str, size: &str, options: &[&str]) -> Result<api::QuotedLine, Fault> {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let line = api::LineRequest { slug: slug.to_owned(), size: size.to_owned(), quantity: 1, options, ..Default::default() };
        let quote = api::QuoteRequest { shop_id: 1, lines: vec![line] };
        said(self.guest().quote(quote).await).map(|mut answer| answer.lines.remove(0))
    }
}
