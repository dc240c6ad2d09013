//! The report of a replay: what the file says, what the platform says, and whether the two agree.

use std::collections::BTreeMap;
use std::time::Duration;

use base::{Currency, Fault, Money};
use serde_json::Value;

use super::file::{self, PastOrder};
use crate::client::Client;
use crate::load::Load;

fn money(minor: i64) -> String {
    Money::new(minor, Currency::USD).to_string()
}

fn percentiles(histogram: &hdrhistogram::Histogram<u64>) -> String {
    let at = |part: f64| histogram.value_at_quantile(part) as f64 / 1_000.0;
    format!(
        "p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        at(0.5),
        at(0.95),
        at(0.99),
        histogram.max() as f64 / 1_000.0
    )
}

/// Prints the report; `true` when file and platform agree.
pub async fn print(
    client: &Client,
    orders: &[PastOrder],
    acknowledged: &BTreeMap<String, i64>,
    load: &Load,
    sent_in: Duration,
    all_in: Duration,
) -> Result<bool, Fault> {
    let mut agrees = true;
    let expected: i64 = orders.iter().map(|order| order.total_minor).sum();
    let told: i64 = orders.iter().filter_map(|order| acknowledged.get(&order.reference)).sum();
    println!("orders        {} in the file, {} acknowledged", orders.len(), acknowledged.len());
    println!("worth         {} in the file, {} acknowledged", money(expected), money(told));
    agrees &= acknowledged.len() == orders.len() && expected == told;
    let summary = client.get("/v1/analytics/summary").await?.good()?;
    let number = |name: &str| summary[name].as_i64().unwrap_or(0);
    let revenue = summary["revenue"]["amount_minor"].as_i64().unwrap_or(0);
    println!("delivered     {}", number("orders_delivered"));
    println!("cancelled     {}", number("orders_cancelled"));
    println!("revenue       {}", money(revenue));
    if number("orders_cancelled") == 0 {
        let same = revenue == expected;
        println!("              {}", if same { "equal to the file, to the cent" } else { "NOT equal to the file" });
        agrees &= same;
        agrees &= months(client, orders).await?;
    }
    load.look(|seen| {
        let rate = |count: u64, span: Duration| count as f64 / span.as_secs_f64().max(0.001);
        println!(
            "rate          {:.0} orders per second placed, {:.0} delivered",
            rate(seen.acknowledged, sent_in),
            rate(seen.delivered, all_in)
        );
        println!("placing       {}", percentiles(&seen.placing));
        println!("to the door   {}", percentiles(&seen.delivery));
        println!("put off       {} times, {} errors or lost answers, {} given up", seen.put_off, seen.errors, seen.given_up);
        agrees &= seen.given_up == 0;
    });
    Ok(agrees)
}

async fn months(client: &Client, orders: &[PastOrder]) -> Result<bool, Fault> {
    let series = client.get("/v1/analytics/series?step=month&limit=200").await?.good()?;
    let told: BTreeMap<&str, (i64, i64)> = series["points"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|point: &Value| {
            Some((point["at"].as_str()?, (point["delivered"].as_i64()?, point["revenue"]["amount_minor"].as_i64()?)))
        })
        .collect();
    let mut same = true;
    for (month, expected) in file::months(orders) {
        let got = told.get(month.as_str()).copied().unwrap_or_default();
        let verdict = if got == expected { "equal" } else { "NOT EQUAL" };
        println!("  {month}     {} orders, {}  {verdict}", got.0, money(got.1));
        same &= got == expected;
    }
    Ok(same)
}
