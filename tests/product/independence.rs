//! Each service stands and falls alone; the whole is one file that needs nothing.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::outages::ends_with_clean_books;
use crate::platform::{Folder, Platform, comanda};

#[tokio::test]
async fn s1_a01_s0_p07_each_service_stops_alone_and_all_others_answer() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let order = platform.order_pizza("hawaiian", "card").await;
    platform.reaches(&order, "delivered").await;
    // What each service answers from what it alone keeps; one that answers has not asked the one that sleeps.
    let questions = [
        ("catalog", "/v1/shop".to_owned()),
        ("inventory", "/v1/stock/check".to_owned()),
        ("payments", format!("/v1/orders/{order}/payment")),
        ("orders", format!("/v1/orders/{order}/check")),
        ("kitchen", format!("/v1/kitchen/tickets/{order}")),
        ("delivery", format!("/v1/deliveries/{order}")),
        ("notifications", "/v1/notifications/unread".to_owned()),
        ("analytics", "/v1/analytics/events".to_owned()),
    ];
    let guest =
        platform.write("POST", "/v1/devices", "", "device", &json!({})).await.json()["token"].as_str().unwrap().to_owned();
    let mut waiting = Vec::new();
    for (asleep, _) in &questions {
        assert!(platform.command(&["pause", asleep, "--reason", "a test"]).status.success());
        for (service, path) in &questions {
            let token = if *service == "notifications" { guest.clone() } else { platform.staff() };
            let answer = platform.send("GET", path, &[("authorization", &format!("Bearer {token}"))], b"").await;
            if service == asleep {
                assert_eq!((answer.status, answer.problem().as_str()), (503, "service_paused"), "{service}");
            } else {
                assert_eq!(answer.status, 200, "{service} while {asleep} sleeps: {}", answer.text);
            }
        }
        let health = platform.look("/v1/services").await;
        let told: Vec<(&str, bool)> = health["services"]
            .as_array()
            .unwrap()
            .iter()
            .map(|service| (service["service"].as_str().unwrap(), service["ready"].as_bool().unwrap()))
            .collect();
        assert_eq!(told.len(), questions.len());
        assert!(told.iter().all(|(service, ready)| *ready == (service != asleep)), "{told:?}");
        // Whoever does not take part in placing is not missed by it: the order is taken, and what is missing waits.
        if !["catalog", "orders"].contains(asleep) {
            waiting.push(platform.order_pizza("hawaiian", "cash").await);
        }
        assert!(platform.command(&["resume", asleep]).status.success());
    }
    assert_eq!(waiting.len(), 6);
    for order in waiting {
        platform.reaches(&order, "delivered").await;
    }
    ends_with_clean_books(platform, &folder).await;
}

/// Everything that the process may lean on: the C library of the machine, and what comes with it.
const LIBRARIES: [&str; 7] = ["libc.so", "libc-", "libm.so", "libm-", "libgcc_s", "ld-linux", "ld-2"];

#[tokio::test]
async fn s0_p02_one_file_alone_is_the_whole_platform_and_leaves_nothing_it_does_not_need() {
    let folder = Folder::new();
    // The binary alone in an empty folder: no environment, no other program, nothing to find on a path.
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let mut command = comanda();
    command.env_clear().current_dir(&home).stderr(Stdio::null());
    let platform = Platform::start_command(&folder, command, &["kitchen_time_scale=2000", "delivery_time_scale=20000"]).await;
    let order = platform.order_pizza("hawaiian", "card").await;
    platform.reaches(&order, "delivered").await;

    let process = format!("/proc/{}", platform.process());
    let maps = fs::read_to_string(format!("{process}/maps")).unwrap();
    let libraries: BTreeSet<&str> =
        maps.lines().filter_map(|line| line.rsplit_once('/')).map(|(_, file)| file).filter(|file| file.contains(".so")).collect();
    assert!(libraries.iter().all(|file| LIBRARIES.iter().any(|known| file.starts_with(known))), "{libraries:?}");
    for task in fs::read_dir(format!("{process}/task")).unwrap().flatten() {
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        assert_eq!(children, "", "it needs no helper process");
    }
    let (listening, foreign) = sockets(&process);
    assert_eq!(listening, 2, "its door and the pretend payment provider");
    assert_eq!(foreign, Vec::<String>::new(), "it speaks to nobody but this machine");

    assert_eq!(names(&home), BTreeSet::new(), "it writes nowhere else");
    let kept = ["comanda.db", "comanda.db-shm", "comanda.db-wal", "lock", "platform.key", "provider", "staff.token"];
    assert_eq!(names(&platform.data), kept.map(str::to_owned).into());

    // Nothing is described that does not answer, and nothing runs that does nothing: every service has said or heard something.
    let described = platform.get("/openapi.json").await.json();
    let paths = described["paths"].as_object().unwrap();
    let plain = paths.iter().filter(|(path, acts)| !path.contains('{') && acts.get("get").is_some_and(|act| !streams(act)));
    let mut asked = 0;
    for (path, _) in plain {
        let token = format!("Bearer {}", platform.staff());
        let answer = platform.send("GET", path, &[("authorization", &token)], b"").await;
        assert!(![404, 405, 500, 501, 503].contains(&answer.status), "{path}: {} {}", answer.status, answer.text);
        asked += 1;
    }
    assert!(asked > 20, "{asked}");
    let metrics = platform.get("/metrics").await.text;
    for service in ["analytics", "delivery", "inventory", "kitchen", "notifications", "orders", "payments"] {
        let heard = format!("comanda_reactions_total{{service=\"{service}\"");
        let counts =
            metrics.lines().filter_map(|line| line.strip_prefix(heard.as_str())?.rsplit_once(' ')?.1.parse::<u64>().ok());
        assert!(counts.sum::<u64>() > 0, "{service} has nothing to do");
    }
}

fn names(folder: &std::path::Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

fn streams(act: &Value) -> bool {
    act.to_string().contains("text/event-stream")
}

/// Counts the sockets on which a process listens, and names those that are tied to another machine.
fn sockets(process: &str) -> (usize, Vec<String>) {
    let own: BTreeSet<String> = fs::read_dir(format!("{process}/fd"))
        .unwrap()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.trim_end_matches(']').to_owned()))
        .collect();
    let (mut listening, mut foreign) = (0, Vec::new());
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let rows = fs::read_to_string(format!("{process}/net/{table}")).unwrap_or_default();
        for fields in rows.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>()) {
            if !own.contains(fields[9]) {
                continue;
            }
            let loopback =
                |address: &str| address.starts_with("0100007F:") || address.starts_with("00000000000000000000000001000000:");
            if fields[3] == "0A" {
                listening += 1;
            }
            if !loopback(fields[1]) {
                foreign.push(fields[1].to_owned());
            }
        }
    }
    (listening, foreign)
}
