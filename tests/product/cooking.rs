//! Cooking: what is paid for is cooked, each dish step by step, in places that are there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::platform::{Folder, Platform};

/// The way of a dish.
const WAY: [&str; 5] = ["queued", "prepared", "baking", "plated", "ready"];
/// More than can be prepared at once.
const DISHES: usize = 6;

#[tokio::test]
async fn s1_k01_s1_k03_s1_x04_once_paid_each_dish_walks_through_its_states_as_places_allow() {
    let folder = Folder::new();
    let platform = Platform::start_with(&folder, &["kitchen_time_scale=150", "delivery_time_scale=20000"]).await;
    let stations = platform.look("/v1/kitchen/stations").await;
    let places: BTreeMap<&str, i64> = stations["stations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|station| (station["kind"].as_str().unwrap(), station["places"].as_i64().unwrap()))
        .collect();
    assert!(places["prep"] < DISHES as i64, "some have to wait: {places:?}");
    let device = platform.write("POST", "/v1/devices", "", "device", &json!({})).await.json()["token"].clone();
    let body = json!({ "lines": [{ "item": "hawaiian", "size": "M", "quantity": DISHES }], "fulfilment": "pickup",
        "payment": { "method": "card", "card_token": "tok_visa" } });
    // As long as nobody has paid, nothing is cooked.
    platform.provider(json!({ "down": true })).await;
    let placed = platform.write("POST", "/v1/orders", device.as_str().unwrap(), "an-order", &body).await;
    let id = placed.json()["order_id"].as_str().unwrap().to_owned();
    platform
        .eventually("payments has asked in vain", async |platform| {
            let path = format!("/v1/orders/{id}/payment");
            let answer = platform.send("GET", &path, &[("authorization", &format!("Bearer {}", platform.staff()))], b"").await;
            (answer.status == 200 && answer.json()["state"] == "requested").then_some(())
        })
        .await;
    assert_eq!(platform.look("/v1/kitchen/tickets").await["tickets"].as_array().unwrap().iter().filter(is_cooked).count(), 0);
    platform.provider(json!({ "down": false })).await;

    let path = format!("/v1/kitchen/tickets/{id}");
    let mut walked = vec![Vec::<String>::new(); DISHES];
    platform.reaches(&id, "cooking").await;
    let until = Instant::now() + Duration::from_secs(60);
    let ticket = loop {
        let ticket = platform.look(&path).await;
        for (dish, walked) in ticket["dishes"].as_array().unwrap().iter().zip(&mut walked) {
            let state = dish["state"].as_str().unwrap();
            if walked.last().is_none_or(|last| last != state) {
                walked.push(state.to_owned());
            }
        }
        if ticket["state"] == "ready" {
            break ticket;
        }
        assert!(Instant::now() < until, "{ticket}");
    };
    for walked in &walked {
        let steps: Vec<usize> = walked.iter().map(|state| WAY.iter().position(|known| known == state).unwrap()).collect();
        assert!(steps.is_sorted() && steps.ends_with(&[4]), "never back, and to the end: {walked:?}");
        assert!(walked.iter().any(|state| state == "baking"), "{walked:?}");
    }
    assert!(walked.iter().any(|walked| walked == &WAY), "one that had to wait went the whole way: {walked:?}");

    // No place was given to two at once, and each dish had its steps one after the other, the hot one in the heat.
    let mut booked: BTreeMap<(String, i64), Vec<(String, String)>> = BTreeMap::new();
    for dish in ticket["dishes"].as_array().unwrap() {
        let steps = dish["steps"].as_array().unwrap();
        let kinds: Vec<&str> = steps.iter().map(|step| step["station"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["prep", "oven", "pass"]);
        assert!(steps.windows(2).all(|pair| text(&pair[0]["ends_at"]) <= text(&pair[1]["starts_at"])), "{dish}");
        assert!(steps.iter().all(|step| (step["celsius"].as_i64().unwrap() > 200) == (step["station"] == "oven")), "{dish}");
        for step in steps {
            let place = step["place"].as_i64().unwrap();
            assert!(place < places[step["station"].as_str().unwrap()], "{step}");
            booked.entry((text(&step["station"]), place)).or_default().push((text(&step["starts_at"]), text(&step["ends_at"])));
        }
    }
    for (place, mut spans) in booked {
        spans.sort();
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{place:?} is taken twice: {spans:?}");
    }
    platform.reaches(&id, "delivered").await;
}

fn is_cooked(ticket: &&Value) -> bool {
    ticket["state"] != "waiting"
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
