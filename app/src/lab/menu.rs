//! Reads of the menu, against a bare handler that answers the same bytes.
#![allow(clippy::disallowed_methods)] // A measurement lives in real time.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use base::Fault;

use super::MenuOptions;
use super::child::{Platform, Scratch};
use crate::client::Client;

pub async fn run(options: MenuOptions) -> Result<ExitCode, Fault> {
    let scratch = Scratch::new()?;
    let platform = Platform::start(&scratch.path().join("data"), &["rate_limit_per_second=1000000".to_owned()]).await?;
    let menu = platform.client.get("/v1/menu").await?.good()?;
    let bytes = menu.to_string();
    println!("menu          {} bytes", bytes.len());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .map_err(|error| Fault::internal("lab_failed", "There is no free port.").because(error))?;
    let address =
        listener.local_addr().map_err(|error| Fault::internal("lab_failed", "There is no free port.").because(error))?;
    let bare = Router::new().route("/", get(move || async move { ([(CONTENT_TYPE, "application/json")], bytes.clone()) }));
    let server = tokio::spawn(async move { axum::serve(listener, bare).await });
    let ceiling = hammer(&Client::new(&format!("http://{address}"), ""), "/", &options).await;
    let ours = hammer(&platform.client, "/v1/menu", &options).await;
    server.abort();
    println!("bare          {ceiling:.0} reads per second");
    println!("menu          {ours:.0} reads per second, {:.2} of the bare handler", ours / ceiling);
    let (seconds, failed) = thousand(&platform.client).await;
    println!(
        "row S4-X06: a thousand reads of /api/v1/menu by ten clients took {:.0} ms, {failed} failed{}",
        seconds * 1e3,
        if failed == 0 { "" } else { "; MISSED" }
    );
    platform.stop()?;
    Ok(ExitCode::SUCCESS)
}

/// Reads the pizza place's menu as its own scenario does; gives the seconds it took, and how many reads failed.
async fn thousand(client: &Client) -> (f64, usize) {
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let client = client.clone();
        tasks.spawn(async move {
            let mut failed = 0;
            for _ in 0..100 {
                failed += usize::from(!client.get("/api/v1/menu").await.is_ok_and(|answer| answer.status == 200));
            }
            failed
        });
    }
    let failed = tasks.join_all().await.into_iter().sum();
    (begun.elapsed().as_secs_f64(), failed)
}

async fn hammer(client: &Client, path: &'static str, options: &MenuOptions) -> f64 {
    let span = Duration::from_secs_f64(options.seconds);
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..options.connections {
        let client = client.clone();
        tasks.spawn(async move {
            let mut reads = 0u64;
            while begun.elapsed() < span {
                if client.get(path).await.is_ok_and(|answer| answer.status == 200) {
                    reads += 1;
                }
            }
            reads
        });
    }
    let mut reads = 0;
    while let Some(done) = tasks.join_next().await {
        reads += done.unwrap_or(0);
    }
    reads as f64 / begun.elapsed().as_secs_f64()
}
