//! The menu has a store and an owner of its own.

use serde_json::{Value, json};

use crate::platform::{Folder, Platform};

#[tokio::test]
async fn s4_c02_the_menu_of_pizzas_is_kept_edited_and_served_without_anybody_else() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    for service in ["inventory", "payments", "orders", "kitchen", "delivery", "notifications", "analytics"] {
        assert!(platform.command(&["pause", service]).status.success());
    }
    let begun = pizzas(&platform).await;
    assert!(begun.len() > 10, "{}", begun.len());
    let margherita = begun.iter().find(|pizza| pizza["id"] == "margherita").unwrap();
    assert_eq!(
        (&margherita["name"], &margherita["price"], &margherita["category"]),
        (&"Margherita".into(), &"9.50".into(), &"classic".into())
    );

    let mut pizza = json!({ "slug": "four_seasons", "kind": "dish", "category": "classic",
        "name": { "en": "Four Seasons", "ru": "Четыре сезона" }, "description": { "en": "A quarter each." },
        "attributes": { "vegetarian": false, "spicy": false, "nuts": false },
        "variants": [{ "size": "M", "price_minor": 1450 }, { "size": "L", "price_minor": 1790 }],
        "steps": [{ "station": "oven", "seconds": 300, "celsius": 280 }] });
    let token = platform.staff();
    let made = platform.write("POST", "/v1/items", &token, "create", &pizza).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/v1/items/{}", made.json()["item_id"].as_str().unwrap());
    assert_eq!(find(&pizzas(&platform).await, "four_seasons").unwrap()["price"], "14.50");
    assert_eq!(platform.get(&path).await.json()["name"]["ru"], "Четыре сезона");

    pizza["version"] = made.json()["version"].clone();
    pizza["variants"][0]["price_minor"] = json!(1_500);
    let changed = platform.write("PUT", &path, &token, "change", &pizza).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let stale = platform.write("PUT", &path, &token, "stale", &pizza).await;
    assert_eq!(stale.problem(), "stale_version", "two edits of one version cannot both win");
    let expected = {
        let mut expected = begun.clone();
        expected.push(find(&pizzas(&platform).await, "four_seasons").unwrap());
        expected
    };
    assert_eq!(expected.last().unwrap()["price"], "15.00");

    // It is kept: a crash later the menu is the same.
    platform.kill();
    let platform = Platform::start(&folder).await;
    assert_eq!(sorted(pizzas(&platform).await), sorted(expected));
    let retire = json!({ "version": changed.json()["version"], "reason": "the season is over" });
    let retired = platform.write("DELETE", &path, &platform.staff(), "retire", &retire).await;
    assert_eq!(retired.status, 200, "{}", retired.text);
    assert_eq!(sorted(pizzas(&platform).await), sorted(begun));

    // Without its owner there is no menu to change, and everybody else is well.
    assert!(platform.command(&["pause", "catalog"]).status.success());
    let refused = platform.write("POST", "/v1/items", &platform.staff(), "create-2", &pizza).await;
    assert_eq!((refused.status, refused.problem().as_str()), (503, "service_paused"));
    assert_eq!(platform.look("/v1/orders/statistics").await["orders"], 0);
}

async fn pizzas(platform: &Platform) -> Vec<Value> {
    let answer = platform.get("/api/v1/menu").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["menu"].as_array().unwrap().clone()
}

fn find(pizzas: &[Value], id: &str) -> Option<Value> {
    pizzas.iter().find(|pizza| pizza["id"] == id).cloned()
}

fn sorted(mut pizzas: Vec<Value>) -> Vec<Value> {
    pizzas.sort_by_key(|pizza| pizza["id"].to_string());
    pizzas
}

#[tokio::test]
async fn s0_n05_the_menu_is_packed_for_whoever_unpacks_it_and_costs_no_body_when_it_is_known() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let plain = platform.get("/v1/menu").await;
    let packed = platform.send("GET", "/v1/menu", &[("accept-encoding", "br, gzip")], b"").await;
    assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "Accept-Encoding"));
    assert!(packed.text.len() * 3 < plain.text.len(), "{} of {}", packed.text.len(), plain.text.len());
    let (plain_tag, packed_tag) = (plain.header("etag").to_owned(), packed.header("etag").to_owned());
    assert_ne!(plain_tag, packed_tag, "a tag names bytes");
    let known = [("accept-encoding", "gzip"), ("if-none-match", packed_tag.as_str())];
    assert_eq!(platform.send("GET", "/v1/menu", &known, b"").await.status, 304);
    assert_eq!(platform.send("GET", "/v1/menu", &[("if-none-match", packed_tag.as_str())], b"").await.status, 200);
}
