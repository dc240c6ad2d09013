//! Commands for operators: events, dead letters, pausing.

use std::process::ExitCode;

use base::Fault;
use clap::{Args, Subcommand};
use http_body_util::BodyExt;
use serde_json::json;

use crate::Remote;
use crate::client::Client;

/// Which events to show.
#[derive(Args, Clone)]
pub struct EventsOptions {
    #[command(flatten)]
    remote: Remote,
    /// Only events of this topic, such as `order-events`.
    #[arg(long)]
    topic: Option<String>,
    /// Only events of this type, such as `order.paid`.
    #[arg(long = "type")]
    kind: Option<String>,
    /// Begin with the event after this one.
    #[arg(long)]
    after: Option<String>,
}

/// Which service.
#[derive(Args, Clone)]
pub struct ServiceOptions {
    #[command(flatten)]
    remote: Remote,
    /// The service, such as `payments`.
    service: String,
    /// Why.
    #[arg(long, default_value = "")]
    reason: String,
}

/// What to do with dead letters.
#[derive(Subcommand, Clone)]
pub enum Dlq {
    /// Lists them.
    List {
        #[command(flatten)]
        remote: Remote,
        /// Of one service only.
        #[arg(long)]
        service: Option<String>,
    },
    /// Shows one whole.
    Show {
        #[command(flatten)]
        remote: Remote,
        /// The service.
        service: String,
        /// The letter (`dlq_…`).
        id: String,
    },
    /// Processes one again, and those that wait behind it.
    Redrive {
        #[command(flatten)]
        remote: Remote,
        /// The service.
        service: String,
        /// The letter (`dlq_…`).
        id: String,
    },
    /// Gives one up.
    Discard {
        #[command(flatten)]
        remote: Remote,
        /// The service.
        service: String,
        /// The letter (`dlq_…`).
        id: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

fn client(remote: &Remote) -> Result<Client, Fault> {
    Client::of_folder(&remote.url, &remote.data)
}

/// Makes a key for a command: it is sent once, so any fresh key will do.
pub fn fresh_key() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    #[allow(clippy::disallowed_methods)] // A command line has no world; its key must be its own.
    getrandom::fill(&mut bytes)
        .map_err(|error| Fault::internal("no_chance", "The machine gives no random bytes.").because(error))?;
    Ok(data_encoding::HEXLOWER.encode(&bytes))
}

/// Follows the event stream until it is interrupted: one CloudEvent per line.
pub async fn events(options: EventsOptions) -> Result<ExitCode, Fault> {
    let mut query = Vec::new();
    for (name, value) in [("topic", &options.topic), ("type", &options.kind), ("after", &options.after)] {
        if let Some(value) = value {
            query.push(format!("{name}={value}"));
        }
    }
    let path = format!("/v1/events?{}", query.join("&"));
    let response = client(&options.remote)?.open("GET", &path, None, None).await?;
    if !response.status().is_success() {
        let status = response.status();
        let body = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let detail = problem["detail"].as_str().unwrap_or_default();
        return Err(Fault::unavailable("no_events", format!("The platform answered {status}. {detail}").trim_end().to_owned()));
    }
    eprintln!("Following {}; stop with Ctrl-C.", options.remote.url);
    let mut body = response.into_body();
    let (mut lines, mut last) = (Lines::default(), String::new());
    while let Some(Ok(frame)) = body.frame().await {
        let Some(bytes) = frame.data_ref() else { continue };
        for line in lines.take(bytes) {
            if let Some(data) = line.strip_prefix("data:") {
                println!("{}", data.trim());
            } else if let Some(id) = line.strip_prefix("id:") {
                id.trim().clone_into(&mut last);
            }
        }
    }
    // Nobody follows to an end: there is none. Whoever reads on must know that something is missing from here.
    let on = if last.is_empty() { String::new() } else { format!(" Go on with --after {last}.") };
    Err(Fault::unavailable("events_cut_off", format!("The platform does not send events any more.{on}")))
}

/// Whole lines out of bytes that come in pieces, which may end within a letter.
#[derive(Default)]
struct Lines(Vec<u8>);

impl Lines {
    fn take(&mut self, bytes: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(bytes);
        let Some(end) = self.0.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let rest = self.0.split_off(end + 1);
        let whole = std::mem::replace(&mut self.0, rest);
        String::from_utf8_lossy(&whole).lines().map(str::to_owned).collect()
    }
}

/// Pauses or resumes a service.
pub async fn set_paused(options: ServiceOptions, paused: bool) -> Result<ExitCode, Fault> {
    let verb = if paused { "pause" } else { "resume" };
    let path = format!("/v1/services/{}/{verb}", options.service);
    client(&options.remote)?.post(&path, &fresh_key()?, &json!({ "reason": options.reason })).await?.good()?;
    println!("{} is {}.", options.service, if paused { "paused" } else { "at work again" });
    Ok(ExitCode::SUCCESS)
}

/// Works on dead letters.
pub async fn dlq(command: Dlq) -> Result<ExitCode, Fault> {
    match command {
        Dlq::List { remote, service } => list(&client(&remote)?, service).await,
        Dlq::Show { remote, service, id } => {
            let letter = client(&remote)?.get(&format!("/v1/services/{service}/dead-letters/{id}")).await?.good()?;
            println!("{letter:#}");
            Ok(ExitCode::SUCCESS)
        }
        Dlq::Redrive { remote, service, id } => {
            let path = format!("/v1/services/{service}/dead-letters/{id}/redrive");
            let answer = client(&remote)?.post(&path, &fresh_key()?, &json!({})).await?.good()?;
            println!("{} went through.", answer["letters"]);
            Ok(ExitCode::SUCCESS)
        }
        Dlq::Discard { remote, service, id, reason } => {
            let path = format!("/v1/services/{service}/dead-letters/{id}/discard");
            client(&remote)?.post(&path, &fresh_key()?, &json!({ "reason": reason })).await?.good()?;
            println!("{id} is given up.");
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn list(client: &Client, service: Option<String>) -> Result<ExitCode, Fault> {
    let services = match service {
        Some(service) => vec![service],
        None => {
            let all = client.get("/v1/services").await?.good()?;
            let names = all["services"].as_array().into_iter().flatten();
            names.filter_map(|service| service["service"].as_str().map(str::to_owned)).collect()
        }
    };
    let mut found = 0;
    for service in services {
        let mut after = String::new();
        loop {
            let page = client.get(&format!("/v1/services/{service}/dead-letters?after={after}")).await?.good()?;
            for letter in page["letters"].as_array().into_iter().flatten() {
                let text = |name: &str| letter[name].as_str().unwrap_or_default().to_owned();
                println!(
                    "{}  {service}  {}  {}  attempts {}  {}",
                    text("dead_letter_id"),
                    text("kind"),
                    text("about"),
                    letter["attempts"],
                    text("cause")
                );
                found += 1;
            }
            match page["next"].as_str() {
                Some(next) if !next.is_empty() => after = next.to_owned(),
                _ => break,
            }
        }
    }
    println!("{found} dead letters.");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_comes_in_two_pieces_is_one_letter() {
        let text = "id: evt_1\ndata: {\"proof\":\"подпись: Анна 🍕\"}\n\nid: evt";
        let mut lines = Lines::default();
        let all: Vec<String> = text.as_bytes().chunks(1).flat_map(|byte| lines.take(byte)).collect();
        assert_eq!(all, ["id: evt_1", "data: {\"proof\":\"подпись: Анна 🍕\"}", ""]);
        assert_eq!(lines.take(b"_2\n"), ["id: evt_2"]);
    }
}
