//! Dead letters: what cannot be done is tried again, then put aside with its cause, seen by whoever watches, and done in the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use serde_json::json;

use crate::outages::ends_with_clean_books;
use crate::platform::{Folder, Platform, comanda};
use crate::watch::{Watch, is, log, names};

#[tokio::test]
async fn s4_x02_s4_x03_s4_k04_s4_c07_s4_p06_s4_p07_s4_p08_what_fails_is_retried_parked_seen_and_done_in_the_end() {
    let folder = Folder::new();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = [&format!("provider_url=http://{address}"), "kitchen_time_scale=2000", "delivery_time_scale=20000"];
    let platform = Platform::start_with(&folder, &settings).await;
    let mut terminal = Watch::start(&platform, &["--topic", "dlq-events"]).await;

    // Nobody takes payments: the order waits, and is tried again and again.
    let order = platform.order_pizza("hawaiian", "card").await;
    platform.reaches(&order, "reserved").await;
    platform
        .eventually("it was tried again", async |platform| {
            let metrics = platform.get("/metrics").await.text;
            (metric(&metrics, "comanda_job_retries_total{service=\"payments\",kind=\"charge\"}") >= 2).then_some(())
        })
        .await;
    assert!(letters(&platform).is_empty(), "what may heal by itself is no dead letter");

    // Somebody does who does not know us: that does not heal by waiting, and a person is asked.
    let stranger = Stranger::at(address);
    let shown = platform
        .eventually("it is put aside", async |platform| Some(letters(platform)).filter(|letters| !letters.is_empty()))
        .await;
    stranger.leave();
    assert_eq!(shown.len(), 1, "{shown:?}");
    assert!(shown[0].contains("payments") && shown[0].contains("charge") && shown[0].contains("provider_refused"), "{shown:?}");
    let letter = shown[0].split_whitespace().next().unwrap().to_owned();
    let parked = terminal.until(&platform, "dead_letter.parked", &letter).await;
    assert!(parked.len() == 1 && parked[0]["data"]["cause"].as_str().unwrap().contains("provider_refused"), "{parked:?}");
    let whole = platform.command(&["dlq", "show", "payments", &letter]);
    assert!(whole.status.success() && String::from_utf8_lossy(&whole.stdout).contains("provider_refused"));
    assert_eq!(metric(&platform.get("/metrics").await.text, "comanda_dead_letters{service=\"payments\"}"), 1);
    // It holds up nobody else, and it outlives a crash.
    let cash = platform.order_pizza("hawaiian", "cash").await;
    platform.reaches(&cash, "delivered").await;
    platform.kill();
    let platform = Platform::start_with(&folder, &settings).await;
    assert_eq!(letters(&platform), shown);
    assert_eq!(metric(&platform.get("/metrics").await.text, "comanda_dead_letters{service=\"payments\"}"), 1);

    // The right provider is back; the letter is processed again, and the order is paid, once.
    let (_provider, url) = provider(&folder, address);
    let mut terminal = Watch::start(&platform, &["--topic", "dlq-events"]).await;
    let redriven = platform.command(&["dlq", "redrive", "payments", &letter]);
    assert!(redriven.status.success(), "{}", String::from_utf8_lossy(&redriven.stderr));
    platform.reaches(&order, "delivered").await;
    let seen = terminal.until(&platform, "dead_letter.redriven", &letter).await;
    assert_eq!(names(seen), ["dead_letter.redriven"]);
    assert_eq!(letters(&platform), Vec::<String>::new());
    assert_eq!(metric(&platform.get("/metrics").await.text, "comanda_dead_letters{service=\"payments\"}"), 0);
    let all = log(&platform, "").await;
    assert!(
        all.iter().all(|event| (event["topic"] == "dlq-events") == is_about_letters(event)),
        "the topic has all of them, and only them"
    );
    let books = platform.raw("GET", &format!("{url}/v1/books"), &[], b"").await.unwrap().json();
    let captures = books["rows"].as_array().unwrap().iter().filter(|row| row["order_reference"] == order.as_str());
    assert_eq!(captures.count(), 1, "{books}");
    let acts = platform.look("/v1/services/payments/acts").await;
    assert!(acts["acts"].as_array().unwrap().iter().any(|act| act["act"] == "redrive_dead_letter"), "{acts}");
    assert_eq!(platform.look("/v1/orders/statistics").await["in_flight"], json!(0));
    ends_with_clean_books(platform, &folder).await;
}

fn is_about_letters(event: &serde_json::Value) -> bool {
    ["dead_letter.parked", "dead_letter.redriven", "dead_letter.discarded"].iter().any(|kind| is(event, kind))
}

/// The lines of `comanda dlq list`, without the last, which counts them.
fn letters(platform: &Platform) -> Vec<String> {
    let output = platform.command(&["dlq", "list"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter(|line| line.starts_with("dlq_")).map(str::to_owned).collect()
}

/// The value of a metric, 0 when it was never counted.
fn metric(metrics: &str, name: &str) -> u64 {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0)
}

/// Somebody at the provider's address who knows nobody: every request is answered with 401.
struct Stranger {
    address: SocketAddr,
    gone: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Stranger {
    fn at(address: SocketAddr) -> Stranger {
        let listener = TcpListener::bind(address).unwrap();
        let gone = Arc::new(AtomicBool::new(false));
        let seen = gone.clone();
        let thread = std::thread::spawn(move || {
            for call in listener.incoming() {
                if seen.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(mut call) = call else { continue };
                let _ = call.read(&mut [0; 4_096]);
                let _ = call.write_all(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            }
        });
        Stranger { address, gone, thread }
    }

    fn leave(self) {
        self.gone.store(true, Ordering::Relaxed);
        drop(TcpStream::connect(self.address));
        self.thread.join().unwrap();
    }
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the provider by itself, with its books where the audit looks for them.
fn provider(folder: &Folder, address: SocketAddr) -> (Running, String) {
    let mut command = comanda();
    command.args(["provider-mock", "--listen", &address.to_string(), "--data"]).arg(folder.path().join("data/provider"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let running = Running(child);
    assert!(line.contains("listens on"), "{line}");
    (running, format!("http://{address}"))
}
