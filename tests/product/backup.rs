//! A backup is one moment of everything, and nobody else's to read.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use serde_json::json;

use crate::outages::ends_with_clean_books;
use crate::platform::{Folder, Platform, comanda};

fn backup(platform: &Platform, file: &Path) -> Output {
    comanda().arg("backup").arg(file).arg("--data").arg(&platform.data).output().unwrap()
}

fn restore(file: &Path, data: &Path) -> Output {
    comanda().arg("restore").arg(file).arg("--data").arg(data).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test]
async fn a_backup_taken_while_orders_flow_is_a_platform_again_whose_books_agree() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let platform = Platform::start(&folder).await;
    platform.provider(json!({ "latency_ms": 5 })).await;
    let file = elsewhere.path().join("backup");
    let mut before = Vec::new();
    for _ in 0..10 {
        before.push(platform.order_pizza("hawaiian", "card").await);
    }
    let flowing = async {
        for _ in 0..60 {
            platform.order_pizza("hawaiian", "card").await;
        }
    };
    let (data, to) = (platform.data.clone(), file.clone());
    let taking = tokio::task::spawn_blocking(move || comanda().arg("backup").arg(to).arg("--data").arg(data).output().unwrap());
    let ((), taken) = tokio::join!(flowing, taking);
    let taken = taken.unwrap();
    assert!(taken.status.success(), "{}", said(&taken));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    platform.kill();
    let restored = restore(&file, &elsewhere.path().join("data"));
    assert!(restored.status.success(), "{}", said(&restored));
    assert!(elsewhere.path().join("data/provider/provider.db").exists(), "the provider's books are there");
    let platform = Platform::start(&elsewhere).await;
    for id in &before {
        platform.reaches(id, "delivered").await;
    }
    let id = platform.order_pizza("hawaiian", "card").await;
    platform.reaches(&id, "delivered").await;
    platform
        .eventually("every order ends", async |platform| {
            (platform.look("/v1/orders/statistics").await["in_flight"] == 0).then_some(())
        })
        .await;
    ends_with_clean_books(platform, &elsewhere).await;
}

#[tokio::test]
async fn neither_a_backup_nor_a_restore_overwrites_anything() {
    let (folder, elsewhere) = (Folder::new(), Folder::new());
    let platform = Platform::start(&folder).await;
    let file = elsewhere.path().join("backup.db");
    let foreign = elsewhere.path().join("backup.draft");
    std::fs::write(&foreign, "somebody's").unwrap();
    assert!(backup(&platform, &file).status.success());
    assert_eq!(std::fs::read_to_string(&foreign).unwrap(), "somebody's");
    let first = std::fs::read(&file).unwrap();
    let again = backup(&platform, &file);
    assert!(!again.status.success() && said(&again).contains("(file_exists)"), "{}", said(&again));
    assert_eq!(std::fs::read(&file).unwrap(), first);
    let names: Vec<_> = std::fs::read_dir(elsewhere.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no draft stays: {names:?}");
    // A folder with no more than somebody's key in it is not empty.
    let data = elsewhere.path().join("data");
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("platform.key"), "mine").unwrap();
    let refused = restore(&file, &data);
    assert!(!refused.status.success() && said(&refused).contains("(data_exists)"), "{}", said(&refused));
    assert_eq!(std::fs::read_to_string(data.join("platform.key")).unwrap(), "mine");
    let refused = restore(&file, &platform.data);
    assert!(!refused.status.success() && said(&refused).contains("(data_exists)"), "{}", said(&refused));
}

#[tokio::test]
async fn what_is_no_backup_becomes_no_platform() {
    let folder = Folder::new();
    let (file, data) = (folder.path().join("backup"), folder.path().join("data"));
    std::fs::write(&file, "nothing of the kind, and long enough to be looked at as a database".repeat(100)).unwrap();
    let refused = restore(&file, &data);
    assert!(!refused.status.success() && said(&refused).contains("(backup_damaged)"), "{}", said(&refused));
    assert!(!data.exists());
    // A restore that was killed has left its draft: no platform starts on half of one.
    std::fs::create_dir(&data).unwrap();
    std::fs::write(data.join("comanda.db.draft"), "half").unwrap();
    let up = comanda().args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(&data).output().unwrap();
    assert!(!up.status.success() && said(&up).contains("(restore_unfinished)"), "{}", said(&up));
}
