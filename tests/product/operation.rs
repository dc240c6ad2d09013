//! What an operator sees: health, ids that follow a request, logs with fields.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::platform::{Folder, Platform, comanda};
use crate::watch::said_of;

#[tokio::test]
async fn s1_g05_s4_o05_a_requests_id_and_its_order_are_in_the_answer_the_events_and_the_logs() {
    let folder = Folder::new();
    let file = folder.path().join("log");
    let mut command = comanda();
    command.env("COMANDA_LOG", "info").stderr(Stdio::from(fs::File::create(&file).unwrap()));
    let platform = Platform::start_command(&folder, command, &["kitchen_time_scale=2000", "delivery_time_scale=20000"]).await;
    platform.provider(json!({ "declined_tokens": ["tok_visa"] })).await;
    let body = json!({ "items": [{ "pizzaId": "hawaiian", "quantity": 1 }], "deliveryAddress": "Hidden Lane 7", "paymentMethod": "card" });
    let device =
        platform.write("POST", "/v1/devices", "", "device", &json!({})).await.json()["token"].as_str().unwrap().to_owned();
    let device = format!("Bearer {device}");
    let headers = [
        ("content-type", "application/json"),
        ("x-correlation-id", "breakfast-17"),
        ("idempotency-key", "breakfast"),
        ("authorization", device.as_str()),
    ];
    let placed = platform.send("POST", "/api/v1/orders", &headers, body.to_string().as_bytes()).await;
    assert_eq!((placed.status, placed.header("x-correlation-id")), (201, "breakfast-17"), "{}", placed.text);
    let id = placed.json()["orderId"].as_str().unwrap().to_owned();
    let again = platform.send("POST", "/api/v1/orders", &headers, body.to_string().as_bytes()).await;
    assert_eq!(again.json()["orderId"], id);
    platform.reaches(&id, "cancelled").await;
    let said = said_of(&platform, &id, "").await;
    assert!(said.len() >= 5 && said.iter().all(|event| event["correlationid"] == "breakfast-17"), "{said:?}");
    let own = platform.get("/v1/menu").await;
    assert!(own.header("x-correlation-id").len() >= 8, "who brings no id gets one");
    assert_ne!(own.header("x-correlation-id"), platform.get("/v1/menu").await.header("x-correlation-id"));

    let lines: Vec<Value> = platform
        .eventually("both ends of the order are in the log", async |_| {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains("Hidden Lane"), "nobody's address is in a log");
            let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
            lines.iter().any(|line| line["event_type"] == "order.cancelled").then_some(lines)
        })
        .await;
    let placed = lines.iter().filter(|line| line["event_type"] == "order.created");
    assert_eq!(placed.count(), 1, "the repeat placed nothing");
    for (kind, fields) in [("order.created", &["user_id", "total"][..]), ("order.cancelled", &["reason", "total"])] {
        let line = lines.iter().find(|line| line["event_type"] == kind).unwrap_or_else(|| panic!("{kind} is not in {lines:?}"));
        assert_eq!((&line["order_id"], &line["correlation"]), (&json!(id), &json!("breakfast-17")), "{line}");
        assert!(fields.iter().all(|field| !line[field].is_null()), "{line}");
        assert_eq!(line["total"], 1_050, "{line}");
    }
}

#[tokio::test]
async fn s1_g06_health_is_told_for_the_process_and_for_each_service() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let unready = async |platform: &Platform| -> (u16, Vec<String>) {
        let answer = platform.get("/readyz").await;
        let services = answer.json()["services"].as_array().unwrap().clone();
        assert_eq!(services.len(), 8);
        let names = services.iter().filter(|service| service["ready"] == false);
        (answer.status, names.map(|service| service["service"].as_str().unwrap().to_owned()).collect())
    };
    assert_eq!(unready(&platform).await, (200, vec![]));
    for service in ["delivery", "analytics"] {
        assert!(platform.command(&["pause", service]).status.success());
    }
    let (status, mut names) = unready(&platform).await;
    names.sort();
    assert_eq!((status, names), (503, vec!["analytics".to_owned(), "delivery".to_owned()]));
    assert_eq!(platform.get("/healthz").await.status, 200, "the process lives");
    for service in ["delivery", "analytics"] {
        assert!(platform.command(&["resume", service]).status.success());
    }
    assert_eq!(unready(&platform).await, (200, vec![]));
}

#[tokio::test]
async fn what_is_written_into_a_folder_that_others_may_open_is_for_its_owner_alone() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let platform = Platform::start(&folder).await;
    platform.order_pizza("hawaiian", "card").await;
    let (mut folders, mut seen) = (vec![data], 0);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap().map(Result::unwrap) {
            let about = entry.metadata().unwrap();
            assert_eq!(about.permissions().mode() & 0o077, 0, "{}", entry.path().display());
            seen += 1;
            folders.extend(about.is_dir().then(|| entry.path()));
        }
    }
    assert!(seen > 5, "{seen}");
}
