//! Through the client, over the local wire.

use base::Principal;
use base::id::{ShopId, StaffId};
use host::testing::{guest, staff};
use notifications_api as api;

use crate::{cancelled, client, cooking, delivered, list, order, paid, platform, say_and_settle, shipped, templates};

fn code<T: std::fmt::Debug>(answer: Result<T, tonic::Status>) -> String {
    wire::fault_of(answer.unwrap_err()).code
}

#[tokio::test]
async fn s1_t04_s4_c05_s4_s04_s4_x01_every_step_of_an_order_is_told_to_its_guest_in_the_app() {
    let platform = platform().await;
    say_and_settle(&platform, "orders", &order(1, 7)).await;
    say_and_settle(&platform, "payments", &paid(1)).await;
    say_and_settle(&platform, "kitchen", &cooking(1)).await;
    say_and_settle(&platform, "delivery", &shipped(1)).await;
    say_and_settle(&platform, "delivery", &delivered(1)).await;
    let told = ["order_received", "order_paid", "cooking_started", "order_shipped", "order_delivered"];
    assert_eq!(templates(&platform, 7).await, told);
    let first = &list(&platform, 7).await[4];
    assert_eq!(first.title["en"], "We have your order");
    assert_eq!(first.text["ru"], "Мы получили ваш заказ. Позиций: 2, сумма: 28,50\u{a0}$.");
    assert!(first.expires_at - first.at == 30 * 86_400_000_000 && !first.read);
}

#[tokio::test]
async fn s4_k03_every_message_is_said_on_the_topic_of_notifications() {
    let platform = platform().await;
    say_and_settle(&platform, "orders", &order(1, 7)).await;
    say_and_settle(&platform, "orders", &cancelled(1, 150)).await;
    let said = platform.events("notification.created").await;
    assert!(said.iter().all(|event| event.topic == "notification-events" && event.key == 1));
    assert_eq!(said.len(), 2);
    let text = &list(&platform, 7).await[0].text;
    assert_eq!(text["en"], "Your payment was declined. Still to be paid: $1.50.");
}

#[tokio::test]
async fn messages_are_read_one_by_one_or_all_at_once() {
    let platform = platform().await;
    say_and_settle(&platform, "orders", &order(1, 7)).await;
    say_and_settle(&platform, "payments", &paid(1)).await;
    say_and_settle(&platform, "kitchen", &cooking(1)).await;
    let mut me = client(&platform, guest(7));
    assert_eq!(me.count_unread(api::CountUnreadRequest {}).await.unwrap().into_inner().unread, 3);
    let id = list(&platform, 7).await[1].notification_id;
    for _ in 0..2 {
        assert!(me.mark_read(api::MarkReadRequest { notification_id: id }).await.unwrap().into_inner().read);
    }
    assert_eq!(me.count_unread(api::CountUnreadRequest {}).await.unwrap().into_inner().unread, 2);
    let unread = api::ListNotificationsRequest { unread_only: true, ..Default::default() };
    assert_eq!(me.list_notifications(unread.clone()).await.unwrap().into_inner().notifications.len(), 2);
    // What is read leaves no gap: a page of what is unread is full as long as there is more.
    let newest = list(&platform, 7).await[0].notification_id;
    me.mark_read(api::MarkReadRequest { notification_id: newest }).await.unwrap();
    for order_id in [0, 1] {
        let page = me.list_notifications(api::ListNotificationsRequest { order_id, limit: 1, ..unread.clone() });
        let page = page.await.unwrap().into_inner();
        assert!(page.notifications.len() == 1 && !page.notifications[0].read && !page.next.is_empty(), "{order_id}: {page:?}");
    }
    me.mark_all_read(api::MarkAllReadRequest {}).await.unwrap();
    assert_eq!(me.count_unread(api::CountUnreadRequest {}).await.unwrap().into_inner().unread, 0);
}

#[tokio::test]
async fn nobody_sees_or_marks_what_is_anothers() {
    let platform = platform().await;
    say_and_settle(&platform, "orders", &order(1, 7)).await;
    say_and_settle(&platform, "orders", &order(2, 8)).await;
    let mine = list(&platform, 7).await[0].notification_id;
    let mut other = client(&platform, guest(8));
    assert_eq!(code(other.mark_read(api::MarkReadRequest { notification_id: mine }).await), "notification_not_found");
    other.mark_all_read(api::MarkAllReadRequest {}).await.unwrap();
    assert!(!list(&platform, 7).await[0].read);
    let of_order = |order_id| api::ListNotificationsRequest { order_id, ..Default::default() };
    assert_eq!(other.list_notifications(of_order(1)).await.unwrap().into_inner().notifications, []);
    assert_eq!(other.list_notifications(of_order(2)).await.unwrap().into_inner().notifications.len(), 1);

    let mut shop = client(&platform, staff());
    assert_eq!(shop.list_notifications(of_order(1)).await.unwrap().into_inner().notifications.len(), 1);
    assert_eq!(code(shop.list_notifications(of_order(0)).await), "order_needed");
    assert_eq!(code(shop.count_unread(api::CountUnreadRequest {}).await), "guests_only");
    assert_eq!(code(shop.mark_read(api::MarkReadRequest { notification_id: mine }).await), "guests_only");
    let elsewhere = Principal::Staff { staff: StaffId(1), shop: ShopId(2) };
    assert_eq!(code(client(&platform, elsewhere).list_notifications(of_order(1)).await), "notification_not_found");
    let mut nobody = client(&platform, Principal::Nobody);
    assert_eq!(code(nobody.list_notifications(of_order(1)).await), "device_needed");
    assert_eq!(code(nobody.mark_all_read(api::MarkAllReadRequest {}).await), "device_needed");
}

#[tokio::test]
async fn messages_come_in_pages() {
    let platform = platform().await;
    for number in 1..=5 {
        platform.say("orders", &order(number, 7)).await;
    }
    platform.settled().await;
    let mut me = client(&platform, guest(7));
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = me
            .list_notifications(api::ListNotificationsRequest { after, limit: 2, ..Default::default() })
            .await
            .unwrap()
            .into_inner();
        seen.extend(page.notifications.iter().map(|message| message.notification_id));
        if page.next.is_empty() {
            break;
        }
        after = page.next;
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|a, b| a > b));
    let wrong = api::ListNotificationsRequest { after: "x".into(), ..Default::default() };
    assert_eq!(code(me.list_notifications(wrong).await), "bad_page");
}
