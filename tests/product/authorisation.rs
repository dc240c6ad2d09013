//! `NobodyElsesData`: every route that the document names is tried by everybody.

use serde_json::{Value, json};

use crate::platform::{Folder, Platform};

/// What nobody but its owner and staff may be told of the order.
const SECRET: &str = "Hidden Lane 7";

async fn device(platform: &Platform, key: &str) -> String {
    platform.write("POST", "/v1/devices", "", key, &json!({})).await.json()["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nobody_elses_data_is_told_or_changed_on_any_route() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let (owner, other) = (device(&platform, "owner").await, device(&platform, "other").await);
    let body = json!({ "lines": [{ "item": "hawaiian", "size": "M", "quantity": 1 }], "payment": { "method": "card", "card_token": "tok_visa" }, "contact": { "address": SECRET } });
    let placed = platform.write("POST", "/v1/orders", &owner, "the-order", &body).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let order = placed.json()["order_id"].as_str().unwrap().to_owned();
    platform.reaches(&order, "delivered").await;
    let staff_sees = platform.look(&format!("/v1/orders/{order}")).await;
    let payment = platform.look(&format!("/v1/orders/{order}/payment")).await["payment_id"].as_str().unwrap().to_owned();
    let document = platform.get("/openapi.json").await.json();
    let mut walked = 0;
    for (path, acts) in document["paths"].as_object().unwrap() {
        let fill = |part: &str| match part {
            "{payment}" => payment.clone(),
            "{service}" => "orders".to_owned(),
            part if part.starts_with('{') => order.clone(),
            part => part.to_owned(),
        };
        let address = path.split('/').map(fill).collect::<Vec<_>>().join("/");
        for (method, act) in acts.as_object().unwrap() {
            let (method, who) = (method.to_uppercase(), act["x-comanda-who"].as_str().unwrap());
            let key = format!("authorisation-{walked}-of-many");
            let nobody = platform.write(&method, &address, "", &key, &json!({})).await;
            let stranger = platform.write(&method, &address, &other, &key, &json!({})).await;
            for answer in [&nobody, &stranger] {
                assert!(!answer.text.contains(SECRET), "{method} {address}: {}", answer.text);
            }
            match who {
                "anyone" => {}
                "known" => {
                    assert_eq!(nobody.status, 401, "{method} {address}: {}", nobody.text);
                    let about_the_order = address.contains(&order) || address.contains(&payment);
                    assert!(
                        !about_the_order || [400, 403, 404].contains(&stranger.status),
                        "{method} {address}: {} {}",
                        stranger.status,
                        stranger.text
                    );
                    assert!(!stranger.text.contains(&order) || about_the_order, "{method} {address}: {}", stranger.text);
                }
                _ => assert_eq!((nobody.status, stranger.status), (401, 403), "{method} {address}"),
            }
            walked += 1;
        }
    }
    assert!(walked > 60, "{walked}");
    let own = platform.send("GET", &format!("/v1/orders/{order}"), &[("authorization", &format!("Bearer {owner}"))], b"").await;
    assert_eq!(own.status, 200, "the owner sees it");
    let now: Value = platform.look(&format!("/v1/orders/{order}")).await;
    assert_eq!(now, staff_sees, "and nobody has changed it");
}
