//! Breakers: a service that fails is left alone, everybody else goes on, and it is found well again by itself.

use serde_json::{Value, json};

use crate::platform::{Answer, Folder, Platform};

async fn as_staff(platform: &Platform, path: &str) -> Answer {
    platform.send("GET", path, &[("authorization", &format!("Bearer {}", platform.staff()))], b"").await
}

/// The breaker from the gateway to delivery.
async fn breaker(platform: &Platform) -> Value {
    let all = platform.look("/v1/breakers").await;
    let found =
        all["breakers"].as_array().unwrap().iter().find(|breaker| breaker["from"] == "gateway" && breaker["to"] == "delivery");
    found.unwrap_or_else(|| panic!("{all}")).clone()
}

#[tokio::test]
async fn s1_g07_s2_r03_the_door_leaves_a_failing_service_alone_and_finds_it_well_again() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    assert_eq!(as_staff(&platform, "/v1/deliveries").await.status, 200);
    let pause = |what: &str| assert!(platform.command(&[what, "delivery", "--reason", "a test"]).status.success());
    pause("pause");
    let refused = platform
        .eventually("it has failed often enough", async |platform| {
            let answer = as_staff(platform, "/v1/deliveries").await;
            assert_eq!(answer.status, 503, "{}", answer.text);
            (answer.problem() == "breaker_open").then_some(answer)
        })
        .await;
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1, "it says when to come again");
    let open = breaker(&platform).await;
    assert_eq!((&open["state"], &open["opens"]), (&json!("open"), &json!(1)), "{open}");
    let metrics = platform.get("/metrics").await.text;
    assert!(metrics.lines().any(|line| line == "comanda_breaker_state{from=\"gateway\",to=\"delivery\"} 2"), "{metrics}");
    // No call reaches it any more, and nobody else is left alone.
    let calls = open["calls"].clone();
    for _ in 0..50 {
        assert_eq!(as_staff(&platform, "/v1/deliveries").await.problem(), "breaker_open");
    }
    assert_eq!(breaker(&platform).await["calls"], calls);
    assert_eq!(platform.get("/v1/menu").await.status, 200);
    let order = platform.order_pizza("hawaiian", "card").await;
    platform.reaches(&order, "ready").await;

    // Well again, it is found so by itself; events never took the way that was closed.
    pause("resume");
    platform.reaches(&order, "delivered").await;
    platform
        .eventually("it is found well", async |platform| (as_staff(platform, "/v1/deliveries").await.status == 200).then_some(()))
        .await;
    assert_eq!(breaker(&platform).await["state"], "closed");
    // Who does not want to wait for that closes it by hand, and says why.
    pause("pause");
    platform
        .eventually("it is open again", async |platform| {
            (as_staff(platform, "/v1/deliveries").await.problem() == "breaker_open").then_some(())
        })
        .await;
    pause("resume");
    let body = json!({ "from": "gateway", "to": "delivery" });
    let reset = platform.write("POST", "/v1/breakers/reset", &platform.staff(), "reset", &body).await;
    assert_eq!(reset.status, 200, "{}", reset.text);
    assert_eq!(as_staff(&platform, "/v1/deliveries").await.status, 200);
}
