//! Streams of events: what they tell, and how many there may be.

use base::id::{DeliveryId, DeviceId, OrderId, ShopId};
use base::{Principal, Timestamp};
use delivery_api::events::{OrderDelivered, OrderShipped};
use http::StatusCode;
use wire::Call;

use super::*;
use crate::asked::Asked;
use crate::came::Origin;
use crate::public::Sight;
use crate::stream;

fn guest() -> Asked {
    let call = Call::new(Principal::Guest { device: DeviceId(5) }, "c");
    Asked { call, fresh_token: None, origin: Origin::default(), stale_cookie: false }
}

/// Reads frames of a stream until a condition holds.
#[allow(clippy::disallowed_methods)] // A test that hangs tells nothing, so it reads in real time.
async fn read_until(body: &mut Body, rest: &mut String, enough: impl Fn(&str) -> bool) {
    while !enough(rest) {
        let frame = tokio::time::timeout(std::time::Duration::from_secs(20), body.frame()).await;
        let frame = frame.unwrap_or_else(|_| panic!("nothing came after: {rest}")).expect("the stream goes on").unwrap();
        rest.push_str(&String::from_utf8_lossy(frame.data_ref().unwrap()));
    }
}

fn shipped(order: i64) -> OrderShipped {
    OrderShipped { order_id: OrderId(order), shop_id: ShopId(1), delivery_id: DeliveryId(3), expected_at: Timestamp(1_000_000) }
}

fn delivered(order: i64) -> OrderDelivered {
    OrderDelivered {
        order_id: OrderId(order),
        shop_id: ShopId(1),
        delivery_id: DeliveryId(3),
        cash_taken_minor: 0,
        currency: base::Currency::USD,
        delivered_at: Timestamp(2_000_000),
        proof: "signed".to_owned(),
    }
}

#[tokio::test]
async fn an_order_is_followed_from_its_state_to_its_end_and_not_beyond_others() {
    let house = House::new().await;
    house.platform.say("delivery", &shipped(7)).await;
    let mut body = stream::of_order(&house.edge, &guest(), Sight::Guest, 7, "{\"state\":\"shipped\"}", None).unwrap().into_body();
    let mut told = String::new();
    read_until(&mut body, &mut told, |told| told.contains("event: order.shipped")).await;
    assert!(told.starts_with("retry: 1000\nevent: snapshot\ndata: {\"state\":\"shipped\"}\n\n"), "{told}");
    read_until(&mut body, &mut told, |told| told.contains(": alive")).await;
    house.platform.say("delivery", &shipped(8)).await;
    house.platform.say("delivery", &delivered(7)).await;
    // The stream ends by itself.
    while let Some(frame) = body.frame().await {
        told.push_str(&String::from_utf8_lossy(frame.unwrap().data_ref().unwrap()));
    }
    assert_eq!(told.matches("event: order.").count(), 2, "{told}");
    assert!(told.contains("\"delivered_at\":\"1970-01-01T00:00:02Z\"") && !told.contains("\"order_id\":7"), "{told}");
    // Whoever comes back goes on behind what was seen.
    let id = told.split("id: ").nth(1).unwrap().lines().next().unwrap();
    let after = house.edge.read::<base::id::EventId>(id).unwrap();
    let again = stream::of_order(&house.edge, &guest(), Sight::Guest, 7, "{}", Some(after))
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes();
    let again = String::from_utf8_lossy(&again);
    assert!(again.contains("order.delivered") && !again.contains("order.shipped"), "{again}");
}

#[tokio::test]
async fn s4_k05_staff_watches_a_topic_live_and_goes_on_where_it_was() {
    let house = House::new().await;
    let open = |after: Option<String>| {
        let mut request =
            Request::builder().uri("/v1/events?topic=order-events&type=order.delivered").header("authorization", staff());
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        house.router.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let response = open(None).await.unwrap();
    assert_eq!((response.status(), response.headers()["content-type"].to_str().unwrap()), (StatusCode::OK, "text/event-stream"));
    let mut body = response.into_body();
    house.platform.say("delivery", &shipped(1)).await;
    house.platform.say("delivery", &delivered(1)).await;
    let mut told = String::new();
    read_until(&mut body, &mut told, |told| told.contains("order.delivered")).await;
    assert!(!told.contains("order.shipped"), "{told}");
    let id = told.split("id: ").nth(1).unwrap().lines().next().unwrap().to_owned();
    drop(body);
    house.platform.say("delivery", &delivered(2)).await;
    let mut body = open(Some(id)).await.unwrap().into_body();
    let mut told = String::new();
    read_until(&mut body, &mut told, |told| told.contains("order.delivered")).await;
    assert_eq!(told.matches("id: ").count(), 1, "{told}");
    let page = house.get("/v1/events/log?topic=order-events&limit=2", &[("authorization", &staff())]).await.json();
    assert_eq!(page["events"].as_array().unwrap().len(), 2);
    let next = page["next"].as_str().unwrap();
    let rest = house.get(&format!("/v1/events/log?after={next}"), &[("authorization", &staff())]).await.json();
    assert_eq!((rest["events"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
}

#[tokio::test]
async fn the_number_of_streams_is_limited_and_given_back() {
    let house = House::with(|config| config.streams_max = 1).await;
    let first = house
        .router
        .clone()
        .oneshot(Request::builder().uri("/v1/events").header("authorization", staff()).body(Body::empty()).unwrap())
        .await
        .unwrap();
    let refused = house.get("/v1/events", &[("authorization", &staff())]).await;
    assert_eq!((refused.code().as_str(), refused.headers["retry-after"].to_str().unwrap()), ("too_many_streams", "5"));
    drop(first);
    house
        .platform
        .eventually("its place is free again", || async {
            let open = house.edge.0.streams.load(std::sync::atomic::Ordering::Acquire);
            Ok(if open == 0 { Ok(()) } else { Err(format!("{open} are open")) })
        })
        .await;
}

#[tokio::test]
async fn one_client_holds_so_many_streams_and_others_still_get_theirs() {
    let house = House::with(|config| {
        config.streams_per_client_max = 2;
        config.streams_per_address_max = 3;
    })
    .await;
    let of = |device| {
        let mut asked = guest();
        asked.call.principal = Principal::Guest { device: DeviceId(device) };
        stream::of_order(&house.edge, &asked, Sight::Guest, 7, "{}", None)
    };
    let held = [of(1).unwrap(), of(1).unwrap()];
    let refused = of(1).unwrap_err();
    assert_eq!((refused.status.as_u16(), refused.fault.code.as_str()), (429, "too_many_own_streams"));
    let other = of(2).unwrap();
    assert_eq!(of(3).unwrap_err().fault.code, "too_many_own_streams", "new devices do not help the same address");
    let staff = house
        .router
        .clone()
        .oneshot(Request::builder().uri("/v1/events").header("authorization", staff()).body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(staff.status(), 200);
    drop((held, other));
    house
        .platform
        .eventually("the places are free again", || async { Ok(of(1).map(drop).map_err(|problem| problem.fault.code)) })
        .await;
}
