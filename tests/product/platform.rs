//! A platform in a process and a folder of its own, and a small client for it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// How long something may take that must come: also when the breaker towards the provider opens some times in a row, for seconds.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Gives a folder of its own, and removes it at the end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let path = std::env::temp_dir().join(format!(
            "comanda-product-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An answer: status, headers, body.
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Gives the code of a problem, after checking that it is one.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{} {}", self.status, self.text);
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        let code = body["code"].as_str().unwrap().to_owned();
        assert!(body["type"].as_str().unwrap().ends_with(&format!("/problems/{code}")), "{body}");
        code
    }
}

/// A platform that runs.
pub struct Platform {
    child: Child,
    pub url: String,
    pub provider: String,
    pub data: PathBuf,
    http: Client<HttpConnector, Full<Bytes>>,
}

/// Gives the binary under test.
pub fn comanda() -> Command {
    Command::new(env!("CARGO_BIN_EXE_comanda"))
}

impl Platform {
    /// Starts one whose kitchen and couriers hurry.
    pub async fn start(folder: &Folder) -> Platform {
        Platform::start_with(folder, &["kitchen_time_scale=2000", "delivery_time_scale=20000", "rate_limit_per_second=100000"])
            .await
    }

    /// Starts one with settings, and waits until it is ready.
    pub async fn start_with(folder: &Folder, settings: &[&str]) -> Platform {
        let mut command = comanda();
        command.stderr(Stdio::null());
        Platform::start_command(folder, command, settings).await
    }

    /// Starts one as a command that somebody has prepared.
    pub async fn start_command(folder: &Folder, mut command: Command, settings: &[&str]) -> Platform {
        let data = folder.path().join("data");
        command.args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        for setting in settings {
            command.args(["--set", setting]);
        }
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (mut url, mut provider) = (String::new(), String::new());
        // Where it listens is what it prints.
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in lines.by_ref() {
            let line = line.unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["menu", address] => url = address.trim_end_matches("/v1/menu").to_owned(),
                ["payment", "provider", "mock", address] => provider = (*address).to_owned(),
                ["Stop", ..] => break,
                _ => {}
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        assert!(url.starts_with("http://"), "the platform did not start");
        let platform = Platform { child, url, provider, data, http: Client::builder(TokioExecutor::new()).build_http() };
        platform.eventually("it is ready", async |platform| (platform.get("/readyz").await.status == 200).then_some(())).await;
        platform
    }

    /// Gives the number of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Gives the staff's token.
    pub fn staff(&self) -> String {
        std::fs::read_to_string(self.data.join("staff.token")).unwrap().trim().to_owned()
    }

    /// Sends a request to any address; `None` when the connection broke.
    pub async fn raw(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.http.request(request.body(Full::new(Bytes::copy_from_slice(body))).unwrap()).await.ok()?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = String::from_utf8_lossy(&response.into_body().collect().await.ok()?.to_bytes()).into_owned();
        Some(Answer { status, headers, text })
    }

    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.raw(method, &format!("{}{path}", self.url), headers, body).await.expect("the platform answers")
    }

    /// Opens a stream with a token; gives its status, and the stream, which is open for as long as it is held.
    pub async fn follow(&self, path: &str, token: &str) -> (u16, hyper::body::Incoming) {
        let request =
            http::Request::builder().uri(format!("{}{path}", self.url)).header("authorization", format!("Bearer {token}"));
        let response = self.http.request(request.body(Full::default()).unwrap()).await.unwrap();
        (response.status().as_u16(), response.into_body())
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").await
    }

    /// Asks as staff.
    pub async fn look(&self, path: &str) -> Value {
        let answer = self.send("GET", path, &[("authorization", &format!("Bearer {}", self.staff()))], b"").await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// Writes as somebody with a token, under a key.
    pub async fn write(&self, method: &str, path: &str, token: &str, key: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("content-type", "application/json"), ("idempotency-key", key)];
        if !token.is_empty() {
            headers.push(("authorization", &bearer));
        }
        self.send(method, path, &headers, body.to_string().as_bytes()).await
    }

    /// Orders in the dialect of the pizza place, as its README shows it; gives the order's id.
    pub async fn order_pizza(&self, pizza: &str, payment: &str) -> String {
        let body = serde_json::json!({
            "items": [{ "pizzaId": pizza, "quantity": 1 }],
            "deliveryAddress": "Test Street 123",
            "paymentMethod": payment,
        });
        let answer =
            self.send("POST", "/api/v1/orders", &[("content-type", "application/json")], body.to_string().as_bytes()).await;
        assert!(answer.status == 201 || answer.status == 200, "{} {}", answer.status, answer.text);
        let body = answer.json();
        let id = body["orderId"].as_str().or_else(|| body["id"].as_str()).unwrap_or_else(|| panic!("{body}"));
        id.to_owned()
    }

    /// Waits until an order is in a state, and gives it as staff see it.
    pub async fn reaches(&self, id: &str, state: &str) -> Value {
        self.eventually(&format!("{id} is {state}"), async |platform| {
            let order = platform.look(&format!("/v1/orders/{id}")).await;
            (order["state"] == state).then_some(order)
        })
        .await
    }

    /// Waits until something holds.
    pub async fn eventually<T>(&self, what: &str, condition: impl AsyncFn(&Platform) -> Option<T>) -> T {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(value) = condition(self).await {
                return value;
            }
            assert!(Instant::now() < until, "waited in vain: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sets how the provider mock behaves.
    pub async fn provider(&self, changes: Value) {
        let url = format!("{}/v1/settings", self.provider);
        let mut settings = self.raw("GET", &url, &[], b"").await.unwrap().json();
        settings.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let answer =
            self.raw("PUT", &url, &[("content-type", "application/json")], settings.to_string().as_bytes()).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// Runs a command of the binary against this platform.
    pub fn command(&self, args: &[&str]) -> Output {
        comanda().args(args).args(["--url", &self.url, "--data"]).arg(&self.data).output().unwrap()
    }

    /// Kills it at once.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as Ctrl-C would, and tells whether it ended well.
    pub fn stop(mut self) -> bool {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        self.child.wait().unwrap().success()
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
