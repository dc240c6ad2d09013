//! The provider over HTTP, behind the breaker.

use std::time::Duration;

use base::{BoxFuture, Fault};
use host::Ctx;
use host::outside::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::breaker::Breaker;
use crate::provider::{BookRow, Charge, ChargeRequest, Provider};

/// How long an answer may take before it counts as lost.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The provider whose address is the setting `provider_url`.
pub struct HttpProvider<'a> {
    ctx: &'a Ctx,
    url: &'a str,
    breaker: &'a Breaker,
}

#[derive(Deserialize)]
struct RefundAnswer {
    id: String,
}

#[derive(Deserialize)]
struct BooksAnswer {
    rows: Vec<BookRow>,
}

impl<'a> HttpProvider<'a> {
    /// Finds the way to the provider.
    pub fn of(ctx: &'a Ctx, breaker: &'a Breaker) -> Result<HttpProvider<'a>, Fault> {
        let unknown =
            || Fault::unavailable("provider_unset", "The setting provider_url does not say where the payment provider is.");
        let url = ctx.setting("provider_url").ok_or_else(unknown)?.trim_end_matches('/');
        Ok(HttpProvider { ctx, url, breaker })
    }

    async fn ask(
        &self,
        call: &'static str,
        method: &'static str,
        path: String,
        key: Option<&str>,
        body: Vec<u8>,
    ) -> Result<HttpResponse, Fault> {
        let world = self.ctx.world();
        let pass = self.breaker.admit(world)?;
        let started = world.monotonic();
        let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        headers.extend(key.map(|key| ("idempotency-key".to_owned(), key.to_owned())));
        let request = HttpRequest { method, url: format!("{}{path}", self.url), headers, body, timeout: TIMEOUT };
        let outcome = self.ctx.outside().http.send(request).await;
        let failed = outcome.as_ref().map_or(true, |answer| answer.status >= 500);
        pass.ended(failed);
        let seconds = world.monotonic().saturating_sub(started).as_secs_f64();
        let ended = if failed { "failed" } else { "ok" };
        metrics::histogram!("comanda_provider_seconds", "call" => call, "outcome" => ended).record(seconds);
        let answer = outcome?;
        match answer.status {
            429 | 500.. => Err(Fault::unavailable("provider_failed", "The payment provider failed; it will be asked again.")
                .with("status", answer.status)),
            _ => Ok(answer),
        }
    }

    fn read<T: DeserializeOwned>(answer: &HttpResponse) -> Result<T, Fault> {
        match answer.status {
            200..=299 | 402 => serde_json::from_slice(&answer.body).map_err(|error| {
                Fault::internal("provider_unreadable", "The payment provider's answer cannot be read.").because(error)
            }),
            status => {
                let cause = String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
                Err(Fault::refused("provider_refused", "The payment provider refuses the request.")
                    .with("status", status)
                    .because(cause))
            }
        }
    }
}

impl Provider for HttpProvider<'_> {
    fn charge<'a>(&'a self, request: &'a ChargeRequest) -> BoxFuture<'a, Result<Charge, Fault>> {
        let body = json!({
            "amount_minor": request.amount_minor,
            "currency": request.currency,
            "token": request.token,
            "capture": request.capture,
            "order_reference": request.order_reference,
        });
        Box::pin(async move {
            let answer =
                self.ask("charge", "POST", "/v1/charges".to_owned(), Some(&request.key), body.to_string().into_bytes()).await?;
            Self::read(&answer)
        })
    }

    fn find<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Charge>, Fault>> {
        Box::pin(async move {
            let answer = self.ask("find", "GET", format!("/v1/charges?key={key}"), None, Vec::new()).await?;
            if answer.status == 404 { Ok(None) } else { Self::read(&answer).map(Some) }
        })
    }

    fn withdraw<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Charge, Fault>> {
        Box::pin(async move {
            let answer = self.ask("withdraw", "POST", format!("/v1/charges/withdraw?key={key}"), None, Vec::new()).await?;
            Self::read(&answer)
        })
    }

    fn capture<'a>(&'a self, charge_id: &'a str, key: &'a str) -> BoxFuture<'a, Result<Charge, Fault>> {
        Box::pin(async move {
            let answer = self.ask("capture", "POST", format!("/v1/charges/{charge_id}/capture"), Some(key), Vec::new()).await?;
            Self::read(&answer)
        })
    }

    fn void<'a>(&'a self, charge_id: &'a str, key: &'a str) -> BoxFuture<'a, Result<Charge, Fault>> {
        Box::pin(async move {
            let answer = self.ask("void", "POST", format!("/v1/charges/{charge_id}/void"), Some(key), Vec::new()).await?;
            Self::read(&answer)
        })
    }

    fn refund<'a>(&'a self, charge_id: &'a str, key: &'a str, amount_minor: i64) -> BoxFuture<'a, Result<String, Fault>> {
        Box::pin(async move {
            let body = json!({ "amount_minor": amount_minor }).to_string().into_bytes();
            let answer = self.ask("refund", "POST", format!("/v1/charges/{charge_id}/refunds"), Some(key), body).await?;
            Self::read(&answer).map(|refund: RefundAnswer| refund.id)
        })
    }

    fn books(&self, after: i64, limit: u32) -> BoxFuture<'_, Result<Vec<BookRow>, Fault>> {
        Box::pin(async move {
            let answer = self.ask("books", "GET", format!("/v1/books?after={after}&limit={limit}"), None, Vec::new()).await?;
            Self::read(&answer).map(|books: BooksAnswer| books.rows)
        })
    }
}
