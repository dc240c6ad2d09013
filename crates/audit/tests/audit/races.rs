//! An order is cancelled while it is handed over: whichever comes first, money, stock and everybody's word agree.

use audit::Inputs;
use delivery_api::delivery_client::DeliveryClient;
use delivery_api::{GetSettingsRequest, HandOverRequest, RecallRequest, Settings};
use embedded::rusqlite::Connection;
use host::testing::{Platform, staff};
use orders_api::orders_client::OrdersClient;
use orders_api::{CancelRequest, Order};
use wire::fault_of;

use crate::sound::{Customers, key, open_set, rests};

/// How it came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Race {
    /// Handed over, then cancelled by staff; orders has heard of neither leaving nor arriving.
    DoorFirst,
    /// Called back from its way, then handed over.
    OfficeFirst,
    /// Ready, and cancelled by staff before delivery hears that it is.
    StillAtTheCounter,
    /// Ready, and cancelled by staff at the moment in which delivery hears that it is.
    AtOnce,
}

const RACES: [Race; 4] = [Race::DoorFirst, Race::OfficeFirst, Race::StillAtTheCounter, Race::AtOnce];

fn gate(platform: &Platform, service: &str, open: bool) {
    platform.inner().running(service).expect("it runs").gate.set_open(open);
}

async fn by_hand(platform: &Platform) {
    let mut client = DeliveryClient::new(platform.channel("delivery", staff()));
    let settings = client.get_settings(GetSettingsRequest { shop_id: 1 }).await.unwrap().into_inner();
    client.put_settings(Settings { by_itself: false, ..settings }).await.unwrap();
}

/// The courier is at the door.
async fn hand_over(platform: &Platform, order: &Order, cash: bool) -> Result<(), String> {
    let mut courier = DeliveryClient::new(platform.channel("delivery", staff()));
    let cash_taken_minor = if cash { order.total_minor } else { 0 };
    let handed = HandOverRequest { order_id: order.order_id, proof: "signed".to_owned(), cash_taken_minor };
    courier.hand_over(handed).await.map(drop).map_err(|status| fault_of(status).code)
}

/// Staff cancel.
async fn cancel(platform: &Platform, order: &Order) -> Result<(), String> {
    let mut shop = OrdersClient::new(platform.channel("orders", staff()));
    let asked = CancelRequest { order_id: order.order_id, reason: "a test".to_owned() };
    shop.cancel(asked).await.map(drop).map_err(|status| fault_of(status).code)
}

/// What the last deadline does with an order that is on its way for too long.
async fn recall_from_the_way(platform: &Platform, order: &Order) -> bool {
    let mut office = DeliveryClient::new(platform.channel("delivery", base::Principal::platform("orders")));
    let (reason, by) = ("too_late".to_owned(), "platform".to_owned());
    let asked = RecallRequest { order_id: order.order_id, shop_id: 1, reason, by, from_the_way: true };
    office.recall(asked).await.unwrap().into_inner().recalled
}

async fn said(platform: &Platform, name: &str, order: &Order) {
    let waiting = || async {
        let events = platform.events(name).await;
        Ok(if events.iter().any(|event| event.key == order.order_id) { Ok(()) } else { Err("not yet".to_owned()) })
    };
    platform.eventually(name, waiting).await;
}

/// Runs one race; gives the state in which the order must end.
async fn run(platform: &Platform, race: Race, cash: bool, number: i64) -> (Order, &'static str) {
    let customers = Customers { platform };
    let (payment, token) = if cash { ("cash", "") } else { ("card", "tok_visa") };
    let late = if matches!(race, Race::DoorFirst | Race::OfficeFirst) { "orders" } else { "delivery" };
    let order = customers.place(number, 1, payment, token).await;
    gate(platform, late, false);
    let end = match race {
        Race::DoorFirst => {
            said(platform, "order.shipped", &order).await;
            hand_over(platform, &order, cash).await.expect("it was on its way");
            assert_eq!(cancel(platform, &order).await, Err("already_delivered".to_owned()));
            "delivered"
        }
        Race::OfficeFirst => {
            said(platform, "order.shipped", &order).await;
            assert!(recall_from_the_way(platform, &order).await);
            assert_eq!(hand_over(platform, &order, cash).await, Err("delivery_over".to_owned()));
            "cancelled"
        }
        Race::StillAtTheCounter => {
            customers.reaches(&order, "ready").await;
            cancel(platform, &order).await.expect("it has not left");
            "cancelled"
        }
        Race::AtOnce => {
            customers.reaches(&order, "ready").await;
            let opens = async { gate(platform, late, true) };
            let (cancelled, ()) = tokio::join!(cancel(platform, &order), opens);
            match cancelled {
                Ok(()) => "cancelled",
                Err(code) => {
                    assert_eq!(code, "too_late_to_cancel");
                    hand_over(platform, &order, cash).await.expect("it left before it could be cancelled");
                    "delivered"
                }
            }
        }
    };
    gate(platform, late, true);
    customers.reaches(&order, end).await;
    if end == "cancelled" {
        assert!(hand_over(platform, &order, cash).await.is_err(), "nobody hands over what was cancelled");
    }
    (order, end)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_comes_first_money_and_stock_end_right() {
    let busy = open_set(&[("kitchen_time_scale", "10000")]).await;
    let platform = &busy.platform;
    by_hand(platform).await;
    let mut ended = Vec::new();
    for round in 0..2 {
        for (place, race) in RACES.into_iter().enumerate() {
            for cash in [false, true] {
                let number = round * 100 + 10 * i64::try_from(place).unwrap() + i64::from(cash);
                ended.push((race, cash, run(platform, race, cash, number).await));
            }
        }
    }
    rests(platform, i64::try_from(ended.len()).unwrap()).await;
    let file = Connection::open(busy.folder.path().join("comanda.db")).unwrap();
    for (race, cash, (order, end)) in &ended {
        let text = "select p.taken_minor, p.refunded_minor, r.state from payments_payments p join inventory_reservations r on r.order_id = p.id where p.id = ?1";
        let (taken, refunded, stock): (i64, i64, String) =
            file.query_row(text, [order.order_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
        let what = format!("{race:?}, cash {cash}: {end}, taken {taken}, given back {refunded}, stock {stock}");
        let owed = if *end == "delivered" { order.total_minor } else { 0 };
        assert_eq!(taken - refunded, owed, "{what}");
        assert!(!(*cash && *end == "cancelled" && taken > 0), "nobody was asked for cash: {what}");
        // Inventory may hear of the cancelling before it hears that the kitchen had begun; it never keeps holding.
        let ends: &[&str] = if *end == "delivered" { &["consumed"] } else { &["consumed", "released"] };
        assert!(ends.contains(&stock.as_str()), "{what}");
    }
    let (database, books, key) = (busy.folder.path().join("comanda.db"), busy.folder.path().join("provider.db"), key());
    let inputs = Inputs { provider_books: Some(&books), at_rest: true, ..Inputs::new(&database, &key, platform.now()) };
    let report = audit::run(&inputs).unwrap();
    assert!(report.is_clean(), "{}", report.text(&key));
}
