//! What the rpcs of orders promise, through the generated client.

use base::Principal;
use host::testing::{Platform, guest, staff};
use orders_api::orders_client::OrdersClient;
use orders_api::{
    BoardRequest, CancelRequest, Contact, EraseContactRequest, GetOrderRequest, LineRequest, ListMineRequest, PlaceRequest,
    RebuildRequest, StatisticsRequest,
};
use wire::fault_of;

use crate::fakes::{client, place, services, wish};

async fn refused(platform: &Platform, principal: Principal, request: PlaceRequest) -> String {
    let status = client(platform, principal).place(request).await.expect_err("it is refused");
    fault_of(status).code
}

#[tokio::test]
async fn s1_f02_s4_c03_an_order_is_placed_at_the_owners_price_and_can_be_seen_by_its_guest() {
    let platform = Platform::start(services()).await;
    let order = place(&platform, guest(7)).await;
    assert_eq!((order.state.as_str(), order.total_minor, order.currency.as_str()), ("pending", 2_650, "USD"));
    assert_eq!(order.lines[0].name["ru"], "Гавайская 🍍");
    assert_eq!(order.charges[0].kind, "tax");
    assert!(order.charges[0].included && order.cancellable);
    let seen = client(&platform, guest(7)).get_order(GetOrderRequest { order_id: order.order_id }).await.unwrap().into_inner();
    assert_eq!(seen, order);
    let mine = client(&platform, guest(7)).list_mine(ListMineRequest::default()).await.unwrap().into_inner();
    assert_eq!(mine.orders, [order]);
}

#[tokio::test]
async fn s4_s01_s0_p10_the_event_is_said_with_the_order_and_names_nobody() {
    let platform = Platform::start(services()).await;
    let order = place(&platform, guest(7)).await;
    let said = platform.heard("order.created", 1).await;
    assert_eq!(said[0].key, order.order_id);
    let data = said[0].data.get();
    assert!(!data.contains("Ёжик") && !data.contains("Тестовая") && !data.contains("tok_visa"), "{data}");
    assert!(data.contains("\"needs\":[{\"stock_id\":11,\"quantity\":500}]"), "{data}");
    assert!(
        client(&platform, guest(7))
            .place(PlaceRequest {
                lines: vec![LineRequest { slug: "unicorn".into(), quantity: 1, ..LineRequest::default() }],
                ..wish(1)
            })
            .await
            .is_err()
    );
    assert_eq!(platform.events("order.created").await.len(), 1, "a refused order leaves nothing");
}

#[tokio::test]
async fn s4_p05_the_same_request_twice_is_one_order_and_another_body_is_refused() {
    let platform = Platform::start(services()).await;
    let send = |body: &'static str, quantity| {
        let mut client = OrdersClient::new(platform.writing("orders", guest(7), "key-1", body));
        async move { client.place(wish(quantity)).await.map(tonic::Response::into_inner) }
    };
    let first = send("a", 2).await.unwrap();
    let again = send("a", 2).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(platform.events("order.created").await.len(), 1);
    assert_eq!(fault_of(send("b", 3).await.unwrap_err()).code, "idempotency_key_reused");
}

#[tokio::test]
async fn what_costs_something_else_than_the_customer_was_told_is_refused_with_what_it_costs_now() {
    let platform = Platform::start(services()).await;
    let told = |minor| PlaceRequest { expected_total_minor: Some(minor), ..wish(2) };
    let refused = fault_of(client(&platform, guest(7)).place(told(2_600)).await.unwrap_err());
    assert_eq!(refused.code, "total_changed");
    assert_eq!((&refused.details["expected_total_minor"], &refused.details["total_minor"]), (&2_600.into(), &2_650.into()));
    assert!(platform.events("order.created").await.is_empty(), "a refused order leaves nothing");
    assert_eq!(client(&platform, guest(7)).place(told(2_650)).await.unwrap().into_inner().total_minor, 2_650);
}

#[tokio::test]
async fn nobody_sees_or_cancels_what_is_anothers() {
    let platform = Platform::start(services()).await;
    let order_id = place(&platform, guest(7)).await.order_id;
    for stranger in [guest(8), Principal::Nobody, Principal::Staff { staff: base::id::StaffId(1), shop: base::id::ShopId(2) }] {
        let mut client = client(&platform, stranger.clone());
        let codes = [
            client.get_order(GetOrderRequest { order_id }).await.map(drop),
            client.cancel(CancelRequest { order_id, reason: String::new() }).await.map(drop),
            client.get_history(GetOrderRequest { order_id }).await.map(drop),
            client.get_contact(GetOrderRequest { order_id }).await.map(drop),
            client.erase_contact(EraseContactRequest { order_id, reason: String::new() }).await.map(drop),
        ];
        for outcome in codes {
            assert_eq!(fault_of(outcome.unwrap_err()).code, "order_not_found", "{stranger}");
        }
        assert!(client.board(BoardRequest { shop_id: 1, ..BoardRequest::default() }).await.is_err(), "{stranger}");
        assert!(client.get_statistics(StatisticsRequest { shop_id: 1 }).await.is_err(), "{stranger}");
        assert!(
            client.rebuild_projection(RebuildRequest { projection: "mine".into(), ..Default::default() }).await.is_err(),
            "{stranger}"
        );
    }
    assert!(client(&platform, guest(8)).list_mine(ListMineRequest::default()).await.unwrap().into_inner().orders.is_empty());
}

#[tokio::test]
async fn bad_wishes_are_refused_with_a_code_and_leave_nothing() {
    let platform = Platform::start(services()).await;
    let line = |quantity| LineRequest { slug: "hawaiian".into(), quantity, ..LineRequest::default() };
    for (code, request) in [
        ("empty_order", PlaceRequest { lines: vec![], ..wish(1) }),
        ("bad_quantity", wish(0)),
        ("bad_quantity", wish(-1)),
        ("bad_quantity", wish(i64::MAX)),
        ("too_many_dishes", PlaceRequest { lines: vec![line(700); 3], ..wish(1) }),
        ("too_many_lines", PlaceRequest { lines: vec![line(1); 10_000], ..wish(1) }),
        (
            "item_unknown",
            PlaceRequest {
                lines: vec![LineRequest { slug: "unicorn".into(), quantity: 1, ..LineRequest::default() }],
                ..wish(1)
            },
        ),
        ("bad_order", PlaceRequest { payment: "gold".into(), ..wish(1) }),
        ("bad_order", PlaceRequest { fulfilment: "teleport".into(), ..wish(1) }),
        ("bad_order", PlaceRequest { contact: None, ..wish(1) }),
        ("bad_order", PlaceRequest { tip_minor: -1, ..wish(1) }),
        ("bad_order", PlaceRequest { contact: Some(Contact { address: "я".repeat(100_000), ..Contact::default() }), ..wish(1) }),
        (
            "bad_order",
            PlaceRequest {
                contact: Some(Contact { address: "a".into(), email: "not an address".into(), ..Contact::default() }),
                ..wish(1)
            },
        ),
        ("staff_only", PlaceRequest { placed_at: 5, ..wish(1) }),
        ("staff_only", PlaceRequest { reference: "mine".into(), ..wish(1) }),
    ] {
        assert_eq!(refused(&platform, guest(7), request).await, code);
    }
    assert_eq!(refused(&platform, Principal::Nobody, wish(1)).await, "token_needed");
    assert_eq!(platform.events("order.created").await.len(), 0);
}

#[tokio::test]
async fn a_person_is_forgotten_and_the_order_stays() {
    let platform = Platform::start(services()).await;
    let order_id = place(&platform, guest(7)).await.order_id;
    let mut staff = client(&platform, staff());
    assert_eq!(staff.get_contact(GetOrderRequest { order_id }).await.unwrap().into_inner().name, "Ёжик 🦔");
    staff.erase_contact(EraseContactRequest { order_id, reason: "asked".into() }).await.unwrap();
    let contact = staff.get_contact(GetOrderRequest { order_id }).await.unwrap().into_inner();
    assert!(contact.erased && contact.name.is_empty() && contact.address.is_empty());
    assert_eq!(staff.get_order(GetOrderRequest { order_id }).await.unwrap().into_inner().total_minor, 2_650);
}

#[tokio::test]
async fn s1_o02_s1_a07_s3_l03_projections_are_dropped_and_rebuilt_while_orders_flow() {
    let platform = Platform::start(services()).await;
    let flow = async {
        for device in 0..40 {
            place(&platform, guest(1 + device % 4)).await;
        }
    };
    let rebuild = async {
        let mut staff = client(&platform, staff());
        for projection in ["mine", "board", "statistics", "board", "mine", "statistics"] {
            staff.rebuild_projection(RebuildRequest { projection: projection.into(), ..Default::default() }).await.unwrap();
        }
        let status =
            staff.rebuild_projection(RebuildRequest { projection: "other".into(), ..Default::default() }).await.unwrap_err();
        assert_eq!(fault_of(status).code, "projection_not_found");
    };
    tokio::join!(flow, rebuild);
    let mut staff = client(&platform, staff());
    let board = staff.board(BoardRequest { shop_id: 1, limit: 200, ..BoardRequest::default() }).await.unwrap().into_inner();
    assert_eq!(board.orders.len(), 40);
    let statistics = staff.get_statistics(StatisticsRequest { shop_id: 1 }).await.unwrap().into_inner();
    assert_eq!((statistics.orders, statistics.in_flight), (40, 40));
    for device in 1..=4 {
        let mine = client(&platform, guest(device)).list_mine(ListMineRequest::default()).await.unwrap().into_inner();
        assert_eq!(mine.orders.len(), 10);
    }
}

#[tokio::test]
async fn too_many_waiting_orders_are_met_with_a_clear_refusal_and_a_time() {
    let platform = Platform::start_set(services(), &[("orders_pending_max", "3")]).await;
    let mut refusals = 0;
    for _ in 0..200 {
        match client(&platform, guest(1)).place(wish(1)).await {
            Ok(_) => {}
            Err(status) => {
                // However often: whoever is full is not left alone as one that has failed.
                let fault = fault_of(status);
                assert_eq!((fault.code.as_str(), fault.details["retry_after_seconds"].as_i64()), ("too_many_orders", Some(1)));
                refusals += 1;
            }
        }
    }
    assert!(refusals >= 195, "{refusals}");
}
