//! An order is its events: its state is computed from them, and whoever changes one without the other is found.

use embedded::rusqlite::Connection;
use serde_json::json;

use crate::outages::{audit_at_rest, ends_with_clean_books};
use crate::platform::{Folder, Platform};

#[tokio::test]
async fn s1_a08_s1_o04_an_orders_state_is_what_its_kept_events_make_of_it_and_a_forgery_is_found() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let delivered = platform.order_pizza("margherita", "card").await;
    platform.reaches(&delivered, "delivered").await;
    platform.provider(json!({ "declined_tokens": ["tok_visa"] })).await;
    let declined = platform.order_pizza("margherita", "card").await;
    platform.reaches(&declined, "cancelled").await;
    assert!(platform.command(&["pause", "inventory"]).status.success());
    let taken_back = platform.order_pizza("hawaiian", "cash").await;
    let reason = json!({ "reason": "ordered by mistake" });
    let answer = platform.write("POST", &format!("/v1/orders/{taken_back}/cancel"), &platform.staff(), "cancel", &reason).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(platform.command(&["resume", "inventory"]).status.success());

    let walked = ["placed", "reserved", "paid", "cooking", "ready", "shipped", "delivered"];
    for (id, story) in
        [(&delivered, &walked[..]), (&declined, &["placed", "reserved", "cancelled"]), (&taken_back, &["placed", "cancelled"])]
    {
        let history = platform.look(&format!("/v1/orders/{id}/history")).await;
        let happenings = history["happenings"].as_array().unwrap();
        let kinds: Vec<&str> = happenings.iter().map(|happening| happening["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, story);
        let times: Vec<&str> = happenings.iter().map(|happening| happening["at"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        let check = platform.look(&format!("/v1/orders/{id}/check")).await;
        assert_eq!(check, json!({ "equal": true, "difference": "" }));
    }
    // Critical acts name who did them, and why.
    let history = platform.look(&format!("/v1/orders/{taken_back}/history")).await;
    assert_eq!(history["happenings"][1]["data"]["by"], "staff", "{history}");
    let acts = platform.look("/v1/services/orders/acts").await;
    let act = &acts["acts"][0];
    assert_eq!((&act["act"], &act["reason"]), (&"cancel_order".into(), &"ordered by mistake".into()), "{acts}");
    assert!(act["principal"].as_str().unwrap().starts_with("staff"), "{acts}");

    // Somebody writes another total into the kept state: the events do not agree, and both ways of asking say so.
    ends_with_clean_books(platform, &folder).await;
    let file = Connection::open(folder.path().join("data").join("comanda.db")).unwrap();
    let changed = file.execute("update orders_orders set total_minor = total_minor - 100 where state = 'delivered'", []).unwrap();
    assert_eq!(changed, 1);
    drop(file);
    let output = audit_at_rest(&folder);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("BROKEN") && said.contains(&delivered), "{said}");
    let platform = Platform::start(&folder).await;
    let check = platform.look(&format!("/v1/orders/{delivered}/check")).await;
    assert_eq!(check["equal"], false, "{check}");
    assert!(!check["difference"].as_str().unwrap().is_empty());
    let check = platform.look(&format!("/v1/orders/{declined}/check")).await;
    assert_eq!(check["equal"], true, "the others are as they were");
}
