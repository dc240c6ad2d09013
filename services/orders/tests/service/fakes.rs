//! The neighbours of orders, as small as a test needs them.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use base::Principal;
use catalog_api::catalog_server::{Catalog, CatalogServer};
use catalog_api::*;
use delivery_api::delivery_server::{Delivery, DeliveryServer};
use delivery_api::{
    GetDeliveryRequest, GetSettingsRequest, GiveUpRequest, HandOverRequest, ListDeliveriesRequest, RecallAnswer, RecallRequest,
    Settings, Shipment, ShipmentPage,
};
use host::Service;
use host::testing::Platform;
use orders_api::orders_client::OrdersClient;
use orders_api::{Contact, LineRequest as OrderLine, Order, PlaceRequest};
use payments_api::payments_server::{Payments, PaymentsServer};
use payments_api::{
    Breaker, GetBreakerRequest, GetPaymentByOrderRequest, GetPaymentRequest, ListPaymentsRequest, Method, Payment, PaymentPage,
    ReconcileAnswer, ReconcileRequest, RefundRequest, RegisterMethodRequest, ResetBreakerRequest,
};
use tonic::{Request, Response, Status};
use wire::{Channel, status_of};

/// A catalogue of one dish at 13.25 and one kind of goods at 2.00.
#[derive(Clone, Default)]
struct Menu;

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
        let mut lines = Vec::new();
        for line in &request.get_ref().lines {
            let (unit_minor, kind, item_id) = match line.slug.as_str() {
                "hawaiian" => (1_325, "dish", 1),
                "cola" => (200, "goods", 2),
                other => return Err(status_of(base::Fault::refused("item_unknown", format!("No {other} here.")))),
            };
            lines.push(QuotedLine {
                item_id,
                slug: line.slug.clone(),
                name: BTreeMap::from([("en".to_owned(), line.slug.clone()), ("ru".to_owned(), "Гавайская 🍍".to_owned())]),
                size: "M".to_owned(),
                quantity: line.quantity,
                unit_minor,
                kind: kind.to_owned(),
                tax_rate_bp: 887,
                needs: vec![Need { stock_id: 11, quantity: 250 }],
                steps: vec![Step { station: "oven".to_owned(), seconds: 420, celsius: 280 }],
                ..QuotedLine::default()
            });
        }
        let shop = Shop {
            shop_id: 1,
            currency: "USD".to_owned(),
            tax_included: true,
            time_zone: "America/New_York".to_owned(),
            ..Shop::default()
        };
        Ok(Response::new(QuoteAnswer { lines, shop: Some(shop) }))
    }

    not_here! {
        get_shop: GetShopRequest => Shop,
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

/// Payments that know every card.
#[derive(Clone, Default)]
struct Till;

#[tonic::async_trait]
impl Payments for Till {
    async fn register_method(&self, _: Request<RegisterMethodRequest>) -> Result<Response<Method>, Status> {
        Ok(Response::new(Method { method_id: 77, kind: "card".to_owned(), hint: String::new() }))
    }

    not_here! {
        get_payment: GetPaymentRequest => Payment,
        get_payment_by_order: GetPaymentByOrderRequest => Payment,
        list_payments: ListPaymentsRequest => PaymentPage,
        refund: RefundRequest => Payment,
        get_breaker: GetBreakerRequest => Breaker,
        reset_breaker: ResetBreakerRequest => Breaker,
        reconcile: ReconcileRequest => ReconcileAnswer,
    }
}

/// A delivery that knows how far orders have come; what it does not know can be called back.
#[derive(Clone, Default)]
pub struct Couriers(pub Arc<Mutex<BTreeMap<i64, &'static str>>>);

#[tonic::async_trait]
impl Delivery for Couriers {
    async fn recall(&self, request: Request<RecallRequest>) -> Result<Response<RecallAnswer>, Status> {
        let asked = request.get_ref();
        let state = self.0.lock().unwrap().get(&asked.order_id).copied().unwrap_or("cancelled");
        let recalled = state == "cancelled" || (state == "shipped" && asked.from_the_way);
        Ok(Response::new(RecallAnswer { recalled, state: state.to_owned() }))
    }

    not_here! {
        get_delivery: GetDeliveryRequest => Shipment,
        list_deliveries: ListDeliveriesRequest => ShipmentPage,
        hand_over: HandOverRequest => Shipment,
        give_up: GiveUpRequest => Shipment,
        get_settings: GetSettingsRequest => Settings,
        put_settings: Settings => Settings,
    }
}

/// Gives orders and its neighbours.
pub fn services() -> Vec<Service> {
    services_with(&Couriers::default())
}

/// Gives orders and its neighbours, with couriers who are somewhere.
pub fn services_with(couriers: &Couriers) -> Vec<Service> {
    let couriers = couriers.clone();
    vec![
        Service::new("delivery").rpc(|_| DeliveryServer::new(couriers)),
        Service::new("catalog").rpc(|_| CatalogServer::new(Menu)),
        Service::new("payments").rpc(|_| PaymentsServer::new(Till)),
        orders::service(),
    ]
}

/// Gives the client of orders in the name of somebody.
pub fn client(platform: &Platform, principal: Principal) -> OrdersClient<Channel> {
    OrdersClient::new(platform.channel("orders", principal))
}

/// Gives what a guest would send for pizzas brought to the door.
pub fn wish(quantity: i64) -> PlaceRequest {
    PlaceRequest {
        lines: vec![OrderLine { slug: "hawaiian".to_owned(), quantity, ..OrderLine::default() }],
        contact: Some(Contact {
            name: "Ёжик 🦔".to_owned(), address: "ул. Тестовая, 1".to_owned(), ..Contact::default()
        }),
        payment: "card".to_owned(),
        card_token: "tok_visa".to_owned(),
        ..PlaceRequest::default()
    }
}

/// Places an order in the name of somebody.
pub async fn place(platform: &Platform, principal: Principal) -> Order {
    client(platform, principal).place(wish(2)).await.expect("the order is accepted").into_inner()
}
