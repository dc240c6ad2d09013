//! The provider's REST interface.

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use base::Currency;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::books::{Charge, Deed, Wish};
use crate::provider::Provider;
use crate::{Problem, Settings, dialect};

/// The largest body, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;
/// The largest amount of one charge, in minor units: eleven digits, so that an amount never looks like a card number.
const AMOUNT_MAX: i64 = 99_999_999_999;
/// The longest key, token or reference, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// The most rows of one page of the books.
const PAGE_ROWS_MAX: i64 = 5_000;

pub(crate) fn router(provider: Provider) -> Router {
    Router::new()
        .route("/v1/charges", post(charge).get(find))
        .route("/v1/charges/withdraw", post(withdraw))
        .route("/v1/charges/{id}", get(by_id))
        .route("/v1/charges/{id}/capture", post(capture))
        .route("/v1/charges/{id}/void", post(void))
        .route("/v1/charges/{id}/refunds", post(refund))
        .route("/v1/books", get(books))
        .route("/v1/settings", get(settings).put(set))
        .route("/api/v1/payments/process", post(dialect::process))
        .route("/healthz", get(|| async { Json(json!({ "status": "ok" })) }))
        .fallback(|| async { Problem::new(404, "no_such_route", "There is nothing here.") })
        .method_not_allowed_fallback(|| async { Problem::new(405, "method_not_allowed", "This route has no such method.") })
        .layer(middleware::map_response(plain_refusals))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(provider)
}

/// A framework's own refusals may repeat what was sent; ours do not.
async fn plain_refusals(response: Response) -> Response {
    let json = response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if json || !response.status().is_client_error() {
        return response;
    }
    Problem::new(response.status().as_u16(), "bad_request", "The request cannot be read.").into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChargeBody {
    amount_minor: i64,
    currency: String,
    token: String,
    #[serde(default)]
    capture: bool,
    #[serde(default)]
    order_reference: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefundBody {
    amount_minor: i64,
}

#[derive(Deserialize)]
struct KeyQuery {
    key: String,
}

#[derive(Deserialize)]
struct PageQuery {
    #[serde(default)]
    after: i64,
    limit: Option<i64>,
}

async fn charge(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    let wish = || -> Result<Wish, Problem> {
        let asked: ChargeBody = read(&body)?;
        let wish = Wish {
            key: key(&headers)?,
            amount_minor: asked.amount_minor,
            currency: asked.currency,
            token: asked.token,
            capture: asked.capture,
            order_reference: asked.order_reference,
        };
        check(wish)
    };
    match wish() {
        Ok(wish) => take(&provider, wish).await,
        Err(problem) => problem.into_response(),
    }
}

/// Charges as everybody is charged: slowly, sometimes not at all, and sometimes without telling.
async fn take(provider: &Provider, wish: Wish) -> Response {
    let at_work = provider.clone();
    provider.carry_out(async move { Ok(charge_answer(charge_now(&at_work, &wish).await?)) }).await
}

pub(crate) async fn charge_now(provider: &Provider, wish: &Wish) -> Result<Charge, Problem> {
    let declined = provider.settings().declines(&wish.token);
    provider.books.charge(wish, declined).await
}

fn charge_answer(charge: Charge) -> Response {
    let status = if charge.state == "declined" { StatusCode::PAYMENT_REQUIRED } else { StatusCode::OK };
    (status, Json(charge)).into_response()
}

async fn find(State(provider): State<Provider>, Query(query): Query<KeyQuery>) -> Response {
    let unknown = || Problem::new(404, "key_not_found", "No charge has come with this key.");
    provider.answer(async { Ok(Json(provider.books.find(&query.key).await?.ok_or_else(unknown)?).into_response()) }).await
}

async fn by_id(State(provider): State<Provider>, Path(id): Path<String>) -> Response {
    provider.answer(async { Ok(Json(provider.books.by_id(&id).await?).into_response()) }).await
}

async fn withdraw(State(provider): State<Provider>, Query(query): Query<KeyQuery>) -> Response {
    let key = match check_key(&query.key) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    let at_work = provider.clone();
    provider.carry_out(async move { Ok(Json(at_work.books.withdraw(&key).await?).into_response()) }).await
}

async fn capture(State(provider): State<Provider>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    act(&provider, id, &headers, Deed::Capture).await
}

async fn void(State(provider): State<Provider>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    act(&provider, id, &headers, Deed::Void).await
}

async fn refund(State(provider): State<Provider>, Path(id): Path<String>, headers: HeaderMap, body: Bytes) -> Response {
    match read::<RefundBody>(&body) {
        Ok(RefundBody { amount_minor }) if (1..=AMOUNT_MAX).contains(&amount_minor) => {
            act(&provider, id, &headers, Deed::Refund(amount_minor)).await
        }
        Ok(_) => bad_amount().into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn act(provider: &Provider, id: String, headers: &HeaderMap, deed: Deed) -> Response {
    let key = match key(headers) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    let at_work = provider.clone();
    let work = async move {
        let name = at_work.books.act(&id, &key, deed).await?;
        let Deed::Refund(amount_minor) = deed else {
            return Ok(Json(at_work.books.by_id(&id).await?).into_response());
        };
        Ok(Json(json!({ "id": name, "charge_id": id, "amount_minor": amount_minor })).into_response())
    };
    provider.carry_out(work).await
}

async fn books(State(provider): State<Provider>, Query(query): Query<PageQuery>) -> Response {
    let limit = query.limit.unwrap_or(1_000).clamp(1, PAGE_ROWS_MAX);
    let rows = match provider.books.page(query.after, limit).await {
        Ok(rows) => rows,
        Err(fault) => return Problem::from(fault).into_response(),
    };
    let full = i64::try_from(rows.len()) == Ok(limit);
    let next = rows.last().filter(|_| full).map(|row| row.seq);
    Json(json!({ "rows": rows, "next": next })).into_response()
}

async fn settings(State(provider): State<Provider>) -> Json<Settings> {
    Json(provider.settings())
}

async fn set(State(provider): State<Provider>, body: Bytes) -> Result<Json<Settings>, Problem> {
    let settings = read::<Settings>(&body)?.check()?;
    provider.set(settings.clone()).await?;
    Ok(Json(settings))
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    check_key(headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default())
}

fn check_key(key: &str) -> Result<String, Problem> {
    if payments_api::card::looks_like_number(key) {
        return Err(card_number());
    }
    if key.is_empty() || key.len() > NAME_BYTES_MAX {
        return Err(Problem::new(
            400,
            "idempotency_key_needed",
            "The header Idempotency-Key must name the wish, in at most 200 bytes.",
        ));
    }
    Ok(key.to_owned())
}

/// Reads a body, after looking for card numbers anywhere in it.
pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    refuse_card_numbers(body)?;
    // The parser's own message could repeat what was sent.
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::new(400, "bad_json", format!("The body cannot be read: look at line {line}, column {column}."))
    })
}

fn refuse_card_numbers(body: &[u8]) -> Result<(), Problem> {
    let text = String::from_utf8_lossy(body);
    let plain = serde_json::from_str::<serde_json::Value>(&text).ok().filter(|_| text.contains('\\'));
    // Escapes can hide digits, so a body that has any is looked at once more without them.
    let unescaped = plain.is_some_and(|value| payments_api::card::looks_like_number(&value.to_string()));
    if unescaped || payments_api::card::looks_like_number(&without_references(&text)) {
        return Err(card_number());
    }
    Ok(())
}

/// Leaves out ids such as `ord_0123456789abc`: one in ten million of them is all digits and passes for a card number.
fn without_references(text: &str) -> String {
    let mut parts = text.split("\"ord_");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_id = part.as_bytes().get(13) == Some(&b'"')
            && part.bytes().take(13).all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        kept.push('"');
        kept.push_str(if is_id { &part[13..] } else { part });
    }
    kept
}

/// Refuses wishes that no provider would take.
pub(crate) fn check(wish: Wish) -> Result<Wish, Problem> {
    if !(1..=AMOUNT_MAX).contains(&wish.amount_minor) {
        return Err(bad_amount());
    }
    if Currency::parse(&wish.currency).is_err() {
        return Err(Problem::new(400, "bad_currency", "The currency must be a code of three capital letters."));
    }
    let fits = wish
        .token
        .strip_prefix("tok_")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
    if !fits || wish.token.len() > NAME_BYTES_MAX {
        return Err(Problem::new(400, "bad_token", "The token must look like tok_…."));
    }
    if wish.order_reference.len() > NAME_BYTES_MAX || wish.key.len() > NAME_BYTES_MAX {
        return Err(Problem::new(400, "too_long", "Keys and references have at most 200 bytes."));
    }
    Ok(wish)
}

fn card_number() -> Problem {
    Problem::new(400, "card_number_refused", "This looks like a card number. Send a token of the card instead.")
}

fn bad_amount() -> Problem {
    Problem::new(400, "bad_amount", "The amount must be above zero, in minor units, and at most 99999999999.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_are_found_wherever_they_hide_and_ids_are_none() {
        for body in [
            r#"{"token":"4242424242424242"}"#,
            r#"{"note":"4242 4242 4242 4242"}"#,
            r#"{"amount_minor":4242424242424242}"#,
            r#"{"token":"\u0034242424242424242"}"#,
            r#"{"order_reference":"ord_4242424242424242"}"#,
            "card=4242424242424242",
        ] {
            assert_eq!(read::<serde_json::Value>(body.as_bytes()).unwrap_err().code, "card_number_refused", "{body}");
        }
        // 4222222222222 passes Luhn; here it is the id of an order.
        assert!(read::<serde_json::Value>(br#"{"order_reference":"ord_4222222222222","amount_minor":100}"#).is_ok());
    }

    #[test]
    fn a_refusal_never_repeats_what_was_sent() {
        let problem =
            read::<ChargeBody>(br#"{"amount_minor":1,"currency":"USD","token":"tok_visa","secret":"hush"}"#).err().unwrap();
        assert_eq!(problem.code, "bad_json");
        assert!(!problem.message.contains("hush") && !problem.message.contains("secret"));
    }
}
