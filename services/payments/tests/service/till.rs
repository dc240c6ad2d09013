//! A platform with payments alone, and beside it a provider behind a socket of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::id::{DeliveryId, DeviceId, EventId, Id, MethodId, OrderId, PaymentId, ShopId};
use base::{Currency, Timestamp, World};
use delivery_api::events::OrderDelivered;
use host::outside::{HttpRequest, HttpResponse};
use host::testing::{Platform, Scratch, guest, staff};
use host::{IdSource, RealWorld};
use inventory_api::events::StockReserved;
use orders_api::events::{CancelReason, Fulfilment, OrderCancelled, OrderCreated, PaymentKind};
use payments_api::payments_client::PaymentsClient;
use payments_api::{GetPaymentByOrderRequest, Payment, ReconcileRequest, RegisterMethodRequest};
use provider_mock::{Books, Settings};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use wire::Channel;

pub const SHOP: ShopId = ShopId(1);
pub const TOTAL: i64 = 2_598;
/// The device of the guest who orders.
pub const DEVICE: i64 = 17;

/// A provider at work; it ends when this is dropped.
pub struct Counter {
    pub url: String,
    _stop: oneshot::Sender<()>,
}

impl Counter {
    #[allow(clippy::disallowed_methods)] // A test is its own host: it opens the provider's socket.
    pub async fn open(folder: &Scratch, settings: Settings) -> Counter {
        let world = RealWorld::begin(Arc::new(IdSource::new(1, 0))).unwrap();
        let books = Books::open(&folder.path().join("provider.db"), world.clone()).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = world.clone();
        world.spawn("provider", async move {
            let ended = async move { drop(stopped.await) };
            provider_mock::serve(listener, books, settings, serving, ended).await.unwrap();
        });
        Counter { url, _stop: stop }
    }
}

pub struct Till {
    pub platform: Platform,
    pub counter: Counter,
    settings: BTreeMap<String, String>,
    pub folder: Scratch,
}

impl Till {
    pub async fn open(settings: Settings) -> Till {
        Till::open_set(settings, &[]).await
    }

    pub async fn open_set(settings: Settings, more: &[(&str, &str)]) -> Till {
        let folder = Scratch::new();
        let counter = Counter::open(&folder, settings).await;
        let mut settings: BTreeMap<String, String> =
            more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        settings.insert("provider_url".to_owned(), counter.url.clone());
        let platform = Platform::start_with(Arc::default(), [payments::service()], settings.clone()).await;
        Till { platform, counter, settings, folder }
    }

    /// Ends the platform as a crash would, and starts it again; the provider goes on.
    pub async fn crash(mut self) -> Till {
        self.platform = self.platform.crash_and_restart([payments::service()], self.settings.clone()).await;
        // What was at work when the process died is free again when its lease ends; here and now it does.
        self.platform.tamper("payments", "update payments_jobs set wake = 0", vec![]).await;
        self
    }

    /// Ends the provider and opens it again on its books, at another address.
    pub async fn reopen_counter(&mut self) {
        self.counter = Counter::open(&self.folder, Settings::default()).await;
    }

    pub fn world(&self) -> &World {
        self.platform.inner().world()
    }

    pub fn client(&self) -> PaymentsClient<Channel> {
        PaymentsClient::new(self.platform.channel("payments", staff()))
    }

    pub fn as_guest(&self, device: i64) -> PaymentsClient<Channel> {
        PaymentsClient::new(self.platform.channel("payments", guest(device)))
    }

    pub fn writing(&self, key: &str) -> PaymentsClient<Channel> {
        PaymentsClient::new(self.platform.writing("payments", staff(), key, key))
    }

    pub async fn method(&self, token: &str) -> MethodId {
        let request = RegisterMethodRequest { card_token: token.to_owned() };
        MethodId(self.as_guest(DEVICE).register_method(request).await.unwrap().into_inner().method_id)
    }

    pub fn fresh(&self) -> OrderId {
        OrderId(self.world().next_id::<EventId>().0)
    }

    pub fn placed(&self, order: OrderId, payment: PaymentKind, method_id: Option<MethodId>) -> OrderCreated {
        OrderCreated {
            order_id: order,
            shop_id: SHOP,
            placed_at: self.platform.now(),
            lines: Vec::new(),
            needs: Vec::new(),
            total_minor: TOTAL,
            currency: Currency::USD,
            payment,
            method_id,
            fulfilment: Fulfilment::Delivery,
            language: "en".to_owned(),
            device_id: Some(DeviceId(DEVICE)),
            has_email: false,
        }
    }

    pub fn set_aside(&self, order: OrderId) -> StockReserved {
        StockReserved { order_id: order, shop_id: SHOP }
    }

    pub async fn created(&self, order: OrderId, payment: PaymentKind, method_id: Option<MethodId>) {
        self.platform.say("orders", &self.placed(order, payment, method_id)).await;
    }

    pub async fn reserved(&self, order: OrderId) {
        self.platform.say("inventory", &self.set_aside(order)).await;
    }

    /// An order by card that is placed and whose stock is set aside.
    pub async fn order(&self, token: &str) -> OrderId {
        let (order, method) = (self.fresh(), self.method(token).await);
        self.created(order, PaymentKind::Card, Some(method)).await;
        self.reserved(order).await;
        order
    }

    pub async fn cancel(&self, order: OrderId) {
        let cancelled = OrderCancelled {
            order_id: order,
            shop_id: SHOP,
            reason: CancelReason::CustomerAsked,
            by: "guest".to_owned(),
            total_minor: TOTAL,
            fee_minor: 0,
            placed_at: self.platform.now(),
        };
        self.platform.say("orders", &cancelled).await;
    }

    pub async fn delivered(&self, order: OrderId, cash_taken_minor: i64) {
        let delivered = OrderDelivered {
            order_id: order,
            shop_id: SHOP,
            delivery_id: DeliveryId(1),
            cash_taken_minor,
            currency: Currency::USD,
            delivered_at: Timestamp(1),
            proof: "signed".to_owned(),
        };
        self.platform.say("delivery", &delivered).await;
    }

    pub async fn payment(&self, order: OrderId) -> Payment {
        self.client().get_payment_by_order(GetPaymentByOrderRequest { order_id: order.0 }).await.unwrap().into_inner()
    }

    pub async fn until_state(&self, order: OrderId, state: &str) -> Payment {
        let wanted = |payment: Payment| if payment.state == state { Ok(payment) } else { Err(format!("{payment:?}")) };
        self.platform
            .eventually(state, || async {
                match self.client().get_payment_by_order(GetPaymentByOrderRequest { order_id: order.0 }).await {
                    Ok(payment) => Ok(wanted(payment.into_inner())),
                    Err(status) => Ok(Err(status.to_string())),
                }
            })
            .await
    }

    /// Speaks to the provider directly.
    pub async fn ask(&self, method: &'static str, path: &str, key: &str, body: Value) -> HttpResponse {
        self.ask_raw(method, path, key, body.to_string()).await.unwrap()
    }

    pub async fn ask_raw(&self, method: &'static str, path: &str, key: &str, body: String) -> Result<HttpResponse, base::Fault> {
        let headers =
            vec![("idempotency-key".to_owned(), key.to_owned()), ("content-type".to_owned(), "application/json".to_owned())];
        let url = format!("{}{path}", self.counter.url);
        let request = HttpRequest { method, url, headers, body: body.into_bytes(), timeout: Duration::from_secs(5) };
        self.platform.ctx("payments").outside().http.send(request).await
    }

    pub async fn set(&self, settings: Value) {
        assert_eq!(self.ask("PUT", "/v1/settings", "", settings).await.status, 200);
    }

    /// The provider's books: each row's key, kind and amount.
    pub async fn books(&self) -> Vec<(String, String, i64)> {
        let rows = read(&self.ask("GET", "/v1/books?limit=5000", "", json!({})).await)["rows"].clone();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| (text(row, "key"), text(row, "kind"), row["amount_minor"].as_i64().unwrap())).collect()
    }

    /// What the provider holds of one order, and how often it took money for it.
    pub async fn held(&self, order: OrderId) -> (i64, usize) {
        let key = payments::asking::key(PaymentId(order.0), "");
        let books = self.books().await;
        let of_order = books.iter().filter(|(row, _, _)| row.starts_with(&key));
        of_order.fold((0, 0), |(held, captures), (_, kind, amount)| match kind.as_str() {
            "capture" => (held + amount, captures + 1),
            "refund" => (held - amount, captures),
            _ => (held, captures),
        })
    }

    pub async fn discrepancies(&self) -> Vec<String> {
        let answer = self.client().reconcile(ReconcileRequest {}).await.unwrap().into_inner();
        answer.discrepancies.into_iter().map(|found| found.what).collect()
    }
}

pub fn read(answer: &HttpResponse) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

pub fn shown(till: &Till, order: OrderId) -> String {
    order.show(till.platform.ctx("payments").key())
}
