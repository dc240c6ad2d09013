//! How the provider is asked so that nothing is taken twice and nothing stays unknown.
//!
//! A key belongs to a payment and a purpose and never changes. When an answer is lost, the provider is asked what became
//! of the key. Whoever needs certainty that nothing will be taken withdraws the key: an answer of "never heard of it"
//! is no proof, because the request may still be on its way.

use base::{Fault, Kind};

use crate::provider::{Charge, ChargeRequest, ChargeState, Provider};

/// What the provider has done, for certain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// It has the money.
    Captured(String),
    /// It said no.
    Declined(String),
    /// It has taken nothing and never will.
    Nothing,
}

/// Gives the key of a payment for a purpose: the number keeps keys in the order of time, which is kind to indexes.
pub fn key(payment: base::id::PaymentId, purpose: &str) -> String {
    format!("{:016x}-{purpose}", payment.0)
}

/// Gives the payment of a key.
pub fn payment_of(key: &str) -> Option<base::id::PaymentId> {
    let (number, _) = key.split_once('-')?;
    i64::from_str_radix(number, 16).ok().map(base::id::PaymentId)
}

/// Asks for the money; `asked_before` when an earlier attempt may have reached the provider.
pub async fn charge(provider: &dyn Provider, request: &ChargeRequest, asked_before: bool) -> Result<Found, Fault> {
    if asked_before && let Some(charge) = provider.find(&request.key).await? {
        return taken(provider, charge, &request.key).await;
    }
    match provider.charge(request).await {
        Ok(charge) => taken(provider, charge, &request.key).await,
        Err(fault) if fault.kind == Kind::Timeout => match provider.find(&request.key).await {
            Ok(Some(charge)) => taken(provider, charge, &request.key).await,
            // Not there, or not yet: the next attempt asks again, under the same key.
            Ok(None) | Err(_) => Err(fault),
        },
        Err(fault) => Err(fault),
    }
}

async fn taken(provider: &dyn Provider, charge: Charge, key: &str) -> Result<Found, Fault> {
    let captured = match charge.state {
        ChargeState::Authorised => provider.capture(&charge.id, &format!("{key}-capture")).await?,
        _ => charge,
    };
    Ok(match captured.state {
        ChargeState::Captured => Found::Captured(captured.id),
        ChargeState::Declined => Found::Declined(captured.id),
        ChargeState::Voided | ChargeState::Withdrawn => Found::Nothing,
        ChargeState::Authorised => {
            return Err(Fault::internal("provider_confused", "The provider captured a charge and calls it authorised."));
        }
    })
}

/// Makes sure that nothing will be taken, or learns that it was.
pub async fn withdraw(provider: &dyn Provider, key: &str) -> Result<Found, Fault> {
    let charge = provider.withdraw(key).await?;
    let ended = match charge.state {
        ChargeState::Authorised => provider.void(&charge.id, &format!("{key}-void")).await?,
        _ => charge,
    };
    Ok(match ended.state {
        ChargeState::Captured => Found::Captured(ended.id),
        ChargeState::Declined => Found::Declined(ended.id),
        ChargeState::Voided | ChargeState::Withdrawn => Found::Nothing,
        ChargeState::Authorised => {
            return Err(Fault::internal("provider_confused", "The provider voided a charge and calls it authorised."));
        }
    })
}
