//! How the provider is asked so that nothing is taken twice and nothing stays unknown.
//!
//! A key belongs to a payment and a purpose and never changes. When an answer is lost, the provider is asked what became
//! of the key. Whoever needs certainty that nothing will be taken withdraws the key: an answer of "never heard of it"
//! is no proof, because the request may still be on its way.

use base::id::PaymentId;
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

/// Gives the key of a payment for a purpose.
///
/// The payment's number is spelt in 16 letters, `a` to `p`: keys keep the order of time, which is kind to indexes, and
/// hold no digits, which a provider could take for a card number.
pub fn key(payment: PaymentId, purpose: &str) -> String {
    format!("{}-{purpose}", spelt(payment.0))
}

/// Spells a number in letters.
pub fn spelt(number: i64) -> String {
    (0..16).rev().map(|place| char::from(b'a' + (number >> (4 * place) & 15) as u8)).collect()
}

/// Gives the payment of a key.
pub fn payment_of(key: &str) -> Option<PaymentId> {
    let (letters, _) = key.split_once('-')?;
    let letters = letters.as_bytes();
    let fits = letters.len() == 16 && letters.iter().all(|letter| (b'a'..=b'p').contains(letter));
    fits.then(|| PaymentId(letters.iter().fold(0, |number, letter| number << 4 | i64::from(letter - b'a'))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_back_to_their_payment_in_the_order_of_time() {
        let numbers = [0, 1, 15, 16, 382_386_474_059_825_152, i64::MAX];
        for number in numbers {
            assert_eq!(payment_of(&key(PaymentId(number), "charge")), Some(PaymentId(number)));
        }
        assert!(numbers.windows(2).all(|pair| spelt(pair[0]) < spelt(pair[1])));
        for bad in ["", "charge", "aaaa-charge", "not-ours", "aaaaaaaaaaaaaaaz-charge", "0000000000000001-charge"] {
            assert_eq!(payment_of(bad), None, "{bad}");
        }
    }
}
