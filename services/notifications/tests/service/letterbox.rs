//! The mail, with a stand-in for orders that knows addresses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::Fault;
use host::testing::Platform;
use orders_api as api;
use orders_api::orders_server::{Orders, OrdersServer};
use tonic::{Request, Response, Status};

use crate::{cancelled, order, paid, refunded};

/// Knows the contact of every order; order 3 was erased.
#[derive(Clone)]
struct Addresses {
    answers: Arc<AtomicBool>,
}

macro_rules! not_asked {
    ($($name:ident: $request:ident -> $answer:ident;)*) => {
        #[tonic::async_trait]
        impl Orders for Addresses {
            $(async fn $name(&self, _: Request<api::$request>) -> Result<Response<api::$answer>, Status> {
                Err(Status::unimplemented(stringify!($name)))
            })*

            async fn get_contact(&self, request: Request<api::GetOrderRequest>) -> Result<Response<api::Contact>, Status> {
                host::answer(async {
                    wire::Call::of(&request)?.principal.must_be_platform()?;
                    if !self.answers.load(Ordering::Relaxed) {
                        return Err(Fault::unavailable("out", "Not now."));
                    }
                    let erased = request.get_ref().order_id == 3;
                    let email = if erased { String::new() } else { "anna@example.org".to_owned() };
                    Ok(api::Contact { email, erased, ..Default::default() })
                })
                .await
            }
        }
    };
}

not_asked! {
    place: PlaceRequest -> Order;
    get_order: GetOrderRequest -> Order;
    cancel: CancelRequest -> Order;
    list_mine: ListMineRequest -> OrderPage;
    board: BoardRequest -> OrderPage;
    get_history: GetOrderRequest -> History;
    get_statistics: StatisticsRequest -> Statistics;
    rebuild_projection: RebuildRequest -> RebuildAnswer;
    check_order: GetOrderRequest -> CheckAnswer;
    erase_contact: EraseContactRequest -> Contact;
}

async fn with_addresses() -> (Platform, Arc<AtomicBool>) {
    let answers = Arc::new(AtomicBool::new(true));
    let addresses = Addresses { answers: answers.clone() };
    let orders = host::Service::new("orders").rpc(move |_| OrdersServer::new(addresses));
    (Platform::start([orders, notifications::service()]).await, answers)
}

#[allow(clippy::disallowed_methods)] // The test looks into the outbox as a person would.
fn mails(platform: &Platform) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(platform.folder().join("outbox")) else { return Vec::new() };
    let mut paths: Vec<_> =
        files.map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

#[tokio::test]
async fn who_gave_an_address_gets_mail_and_nobody_else_does() {
    let (platform, _) = with_addresses().await;
    for number in 1..=3 {
        let mut order = order(number, 7);
        order.has_email = number != 2;
        platform.say("orders", &order).await;
        platform.say("payments", &paid(number)).await;
    }
    platform.settled().await;
    platform
        .eventually("both mails are written", || async {
            let left =
                platform.ctx("notifications").store().jobs(0, 100).await?.into_iter().filter(|job| job.kind == "mail").count();
            Ok(if left == 0 { Ok(()) } else { Err(format!("{left} mails are not written")) })
        })
        .await;
    let mails = mails(&platform);
    assert_eq!(mails.len(), 2, "one without an address, one erased");
    for mail in &mails {
        assert!(
            mail.is_ascii() && mail.contains("\r\nTo: anna@example.org\r\n") && mail.contains("Subject: =?utf-8?B?"),
            "{mail}"
        );
        assert!(mail.contains("Content-Language: ru\r\n"));
    }
}

#[tokio::test]
async fn mail_that_cannot_be_addressed_now_is_written_later() {
    let (platform, answers) = with_addresses().await;
    answers.store(false, Ordering::Relaxed);
    // The payment first, so that its mail is owed only when the order comes.
    platform.say("payments", &refunded(1, 100)).await;
    platform.heard("notification.created", 1).await;
    platform.say("orders", &base_order()).await;
    platform.say("orders", &cancelled(1, 0)).await;
    platform.heard("notification.created", 3).await;
    assert_eq!(mails(&platform), Vec::<String>::new());
    answers.store(true, Ordering::Relaxed);
    platform
        .eventually("three mails are written", || async {
            let count = mails(&platform).len();
            Ok(if count == 3 { Ok(()) } else { Err(format!("{count} are")) })
        })
        .await;
}

fn base_order() -> orders_api::events::OrderCreated {
    let mut order = order(1, 7);
    order.has_email = true;
    order
}
