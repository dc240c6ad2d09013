//! The audit of a platform that is at work.

use audit::Inputs;
use host::testing::staff;
use orders_api::CancelRequest;
use orders_api::orders_client::OrdersClient;

use crate::sound::{Customers, key, open};

/// How many orders flow at once.
const ORDERS: i64 = 36;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_platform_at_work_is_clean_at_every_moment() {
    let busy = open().await;
    let (key, platform) = (key(), &busy.platform);
    let look = || {
        let (database, books) = (busy.folder.path().join("comanda.db"), busy.folder.path().join("provider.db"));
        let report = audit::run(&Inputs { provider_books: Some(&books), ..Inputs::new(&database, &key, platform.now()) })
            .expect("the audit runs");
        assert!(report.is_clean(), "{}", report.text(&key));
        report.facts.numbers
    };
    let flow = async {
        let customers = Customers { platform };
        for number in 0..ORDERS {
            let (payment, token) = match number % 4 {
                0 => ("cash", ""),
                1 => ("card", "tok_declined"),
                _ => ("card", "tok_visa"),
            };
            // A tenth is cancelled at some moment, if it is not too late.
            let order = customers.place(number, 1 + number % 2, payment, token).await;
            if number % 10 == 3 {
                let mut shop = OrdersClient::new(platform.channel("orders", staff()));
                let _ = shop.cancel(CancelRequest { order_id: order.order_id, reason: String::new() }).await;
            }
        }
    };
    let audits = async {
        let mut moments = 0;
        loop {
            let facts = tokio::task::block_in_place(look);
            moments += 1;
            if facts["orders"] == ORDERS && facts["orders_in_flight"] == 0 {
                return moments;
            }
            tokio::task::yield_now().await;
        }
    };
    let ((), moments) = tokio::join!(flow, audits);
    assert!(moments > 10, "{moments} moments are too few to have seen anything");
}
