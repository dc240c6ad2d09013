//! A disk without room: orders are refused, nothing acknowledged is lost, and with room the platform goes on by itself.

use std::fmt::Write;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::platform::{Answer, Folder, Platform, comanda};

/// How many orders are sent at most until that is so.
const ORDERS_MAX: usize = 20_000;
const SETTINGS: [&str; 3] = ["kitchen_time_scale=2000", "delivery_time_scale=20000", "rate_limit_per_second=100000"];

fn ran(program: &str, args: &[&str]) -> bool {
    Command::new(program).args(args).output().is_ok_and(|output| output.status.success())
}

/// A file system in memory on the data folder; `None` where nobody may mount one.
struct SmallDisk {
    path: String,
}

impl SmallDisk {
    fn mount(data: &Path, megabytes: u32) -> Option<SmallDisk> {
        std::fs::create_dir_all(data).unwrap();
        let path = data.to_str().unwrap().to_owned();
        ran("mount", &["-t", "tmpfs", "-o", &format!("size={megabytes}m"), "comanda-test", &path]).then_some(SmallDisk { path })
    }

    fn grow_to(&self, megabytes: u32) {
        assert!(ran("mount", &["-o", &format!("remount,size={megabytes}m"), &self.path]));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        ran("umount", &["-l", &self.path]);
    }
}

/// Sends orders and writes down what is acknowledged.
struct Till<'a> {
    platform: &'a Platform,
    token: String,
    sent: usize,
    acknowledged: usize,
    journal: String,
}

impl<'a> Till<'a> {
    async fn open(platform: &'a Platform) -> Till<'a> {
        let device = platform.write("POST", "/v1/devices", "", "device", &json!({})).await;
        let token = device.json()["token"].as_str().unwrap().to_owned();
        Till { platform, token, sent: 0, acknowledged: 0, journal: String::new() }
    }

    async fn send(&mut self, key: usize) -> Answer {
        let body = json!({ "lines": [{ "item": "hawaiian", "size": "M", "quantity": 1 }], "fulfilment": "pickup", "payment": { "method": "card", "card_token": "tok_visa" } });
        let answer = self.platform.write("POST", "/v1/orders", &self.token, &format!("order-{key}"), &body).await;
        if answer.status == 201 {
            let order = answer.json();
            let entry = json!({ "reference": format!("order-{key}"), "order_id": order["order_id"], "total_minor": order["total"]["amount_minor"] });
            writeln!(self.journal, "{entry}").unwrap();
            self.acknowledged += 1;
        }
        answer
    }

    /// Sends orders until so many in a row were refused, for a little room comes back now and then; gives the keys of all
    /// that were refused, and what was said to those in a row.
    async fn until_full(&mut self, refusals: usize) -> (Vec<usize>, Vec<Answer>) {
        let (mut keys, mut answers) = (Vec::new(), Vec::new());
        while answers.len() < refusals {
            assert!(self.sent < ORDERS_MAX, "the disk is never full");
            let key = self.sent;
            self.sent += 1;
            let answer = self.send(key).await;
            if answer.status == 201 {
                answers.clear();
            } else {
                keys.push(key);
                answers.push(answer);
            }
        }
        (keys, answers)
    }

    /// Waits until orders are accepted again: those that were refused, under the keys that they had.
    async fn again(&mut self, keys: &[usize]) {
        for key in keys {
            loop {
                let answer = self.send(*key).await;
                if answer.status == 201 {
                    break;
                }
                assert!([429, 503, 504].contains(&answer.status), "{} {}", answer.status, answer.text);
                let wait = answer.header("retry-after").parse().unwrap_or(1);
                tokio::time::sleep(std::time::Duration::from_secs(wait)).await; // allowed: as long as the platform asked for
            }
        }
    }

    /// Waits until every order has ended, and audits with the journal of what was acknowledged.
    async fn close(self, folder: &Folder) {
        let platform = self.platform;
        platform
            .eventually("every order ends", async |platform| {
                (platform.look("/v1/orders/statistics").await["in_flight"] == 0).then_some(())
            })
            .await;
        let counts = platform.look("/v1/orders/statistics").await;
        assert_eq!(counts["orders"], self.acknowledged, "one order per key: {counts}");
        let journal = folder.path().join("journal");
        std::fs::write(&journal, self.journal).unwrap();
        let args = ["audit", "--at-rest", "--data"];
        // The kitchen, too, has then to hear how they ended.
        platform
            .eventually("the audit is clean", async |platform| {
                let output = comanda().args(args).arg(&platform.data).arg("--journal").arg(&journal).output().unwrap();
                output.status.success().then_some(())
            })
            .await;
    }
}

#[tokio::test]
async fn a_full_disk_refuses_recovers_and_loses_nothing() {
    let folder = Folder::new();
    let Some(disk) = SmallDisk::mount(&folder.path().join("data"), 24) else {
        eprintln!("skipped: no file system may be mounted here; run as root to see a full disk");
        return;
    };
    let platform = Platform::start_with(&folder, &SETTINGS).await;
    let mut till = Till::open(&platform).await;
    // Most of the room goes to somebody else, so that few orders fill the rest.
    let mut other = File::create(platform.data.join("other")).unwrap();
    while other.write_all(&[0; 4_096]).is_ok() {}
    drop(other);
    let (keys, refusals) = till.until_full(25).await;
    for refusal in &refusals {
        // After many failures the breaker answers in the place of the disk.
        let code = refusal.problem();
        assert!(refusal.status == 503 && ["disk_full", "breaker_open"].contains(&code.as_str()), "{}", refusal.text);
        assert!(!refusal.header("retry-after").is_empty());
    }
    assert!(refusals.iter().any(|refusal| refusal.problem() == "disk_full"));
    assert_eq!(platform.get("/v1/menu").await.status, 200, "reading goes on");
    disk.grow_to(200);
    till.again(&keys).await;
    till.close(&folder).await;
    assert!(platform.stop());
}

#[tokio::test]
async fn a_disk_that_refuses_writes_is_met_the_same_way() {
    let folder = Folder::new();
    // A limit on the size of files, as a quota sets it: beyond, every write fails. The program must not die of the signal.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; exec \"$@\"", "sh", comanda().get_program().to_str().unwrap()]);
    let platform = Platform::start_command(&folder, shell, &SETTINGS).await;
    let mut till = Till::open(&platform).await;
    let limit = |bytes: &str| ran("prlimit", &["--pid", &platform.process().to_string(), &format!("--fsize={bytes}:unlimited")]);
    assert!(till.send(ORDERS_MAX).await.status == 201);
    let log = std::fs::metadata(platform.data.join("comanda.db-wal")).unwrap().len();
    if !limit(&(log + 100_000).to_string()) {
        eprintln!("skipped: prlimit of util-linux is not here");
        return;
    }
    let (keys, refusals) = till.until_full(3).await;
    for refusal in &refusals {
        // A write that failed in the middle of a commit may be there after all: nobody says that it is not.
        let code = refusal.problem();
        let said = (refusal.status, code.as_str());
        assert!([(503, "disk_failed"), (503, "breaker_open"), (504, "deadline_exceeded")].contains(&said), "{}", refusal.text);
    }
    assert_eq!(platform.get("/v1/menu").await.status, 200, "reading goes on");
    assert!(limit("unlimited"));
    till.again(&keys).await;
    till.close(&folder).await;
    assert!(platform.stop());
}
