//! The other way to ask: `POST /api/v1/payments/process`, as the pizza place's own mock had it.
//!
//! Amounts are decimal there, the order's id is the key, and the failure rate and the delay are this provider's settings.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use base::Currency;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Problem;
use crate::books::Wish;
use crate::provider::Provider;
use crate::routes::{charge_now, check, read};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessBody {
    order_id: Value,
    amount: Value,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default, alias = "cardToken", alias = "paymentToken")]
    token: Option<String>,
}

pub(crate) async fn process(State(provider): State<Provider>, body: Bytes) -> Response {
    let wish = match wish(&body) {
        Ok(wish) => wish,
        Err(problem) => return failed(&problem).into_response(),
    };
    let at_work = provider.clone();
    let answer = provider.carry_out(async move {
        let charge = charge_now(&at_work, &wish).await?;
        let (status, word) =
            if charge.state == "declined" { (StatusCode::PAYMENT_REQUIRED, "failed") } else { (StatusCode::OK, "success") };
        let body = json!({
            "status": word,
            "success": word == "success",
            "transactionId": charge.id,
            "orderId": charge.order_reference,
            "amount": decimal(charge.amount_minor, &charge.currency),
            "currency": charge.currency,
            "reason": charge.reason,
        });
        Ok((status, Json(body)).into_response())
    });
    answer.await
}

fn failed(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::BAD_REQUEST);
    (status, Json(json!({ "status": "failed", "success": false, "reason": problem.code, "message": problem.message })))
        .into_response()
}

fn wish(body: &[u8]) -> Result<Wish, Problem> {
    let asked: ProcessBody = read(body)?;
    let order = match &asked.order_id {
        Value::String(text) if !text.is_empty() => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return Err(Problem::new(400, "order_needed", "orderId must name the order.")),
    };
    let currency = asked.currency.unwrap_or_else(|| "USD".to_owned());
    let decimals = Currency::parse(&currency).map_or(2, |currency| currency.decimals());
    let amount = match &asked.amount {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let amount_minor = minor(&amount, decimals).ok_or_else(|| {
        Problem::new(400, "bad_amount", "amount must be a decimal number with no more places than the currency has.")
    })?;
    let token = asked.token.unwrap_or_else(|| "tok_visa".to_owned());
    check(Wish { key: format!("process-{order}"), amount_minor, currency, token, capture: true, order_reference: order })
}

/// Reads a decimal number exactly, without passing through a float.
fn minor(text: &str, decimals: u32) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    if whole.is_empty() || !whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit()) || part.len() > decimals as usize
    {
        return None;
    }
    let padded = format!("{whole}{part:0<width$}", width = decimals as usize);
    padded.parse().ok()
}

fn decimal(minor: i64, currency: &str) -> Value {
    let decimals = Currency::parse(currency).map_or(2, |currency| currency.decimals());
    let unit = 10i64.pow(decimals);
    let text = match decimals {
        0 => minor.to_string(),
        _ => format!("{}.{:0width$}", minor / unit, minor % unit, width = decimals as usize),
    };
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_amounts_are_read_and_written_exactly() {
        for (text, expected) in
            [("25.98", Some(2_598)), ("25.9", Some(2_590)), ("25", Some(2_500)), ("0.01", Some(1)), ("25.980", Some(2_598))]
        {
            assert_eq!(minor(text, 2), expected, "{text}");
        }
        for bad in ["", "25.987", "-1", "1e3", "٢", ".5", "1.2.3", "99999999999999999999"] {
            assert_eq!(minor(bad, 2), None, "{bad}");
        }
        assert_eq!(minor("1200", 0), Some(1_200));
        assert_eq!(decimal(2_598, "USD").to_string(), "25.98");
    }
}
