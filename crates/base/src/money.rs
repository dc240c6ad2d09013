//! Money: whole minor units of one currency. There is no floating point here.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Fault;

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The United States dollar.
    pub const USD: Currency = Currency(*b"USD");
    /// The euro.
    pub const EUR: Currency = Currency(*b"EUR");
    /// The Russian rouble.
    pub const RUB: Currency = Currency(*b"RUB");

    /// Parses three capital letters.
    pub fn parse(code: &str) -> Result<Currency, Fault> {
        match code.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|letter| letter.is_ascii_uppercase()) => Ok(Currency([*a, *b, *c])),
            _ => Err(Fault::invalid("bad_currency", format!("`{code}` is not a currency code of three capital letters."))),
        }
    }

    /// Gives the code.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three ASCII letters, checked when made")
    }

    /// Gives how many decimals the minor unit has (ISO 4217): 2 but for those listed.
    pub fn decimals(&self) -> u32 {
        match &self.0 {
            b"JPY" | b"KRW" | b"VND" | b"CLP" | b"ISK" => 0,
            b"BHD" | b"KWD" | b"OMR" | b"JOD" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Currency, D::Error> {
        let code = String::deserialize(deserializer)?;
        Currency::parse(&code).map_err(serde::de::Error::custom)
    }
}

/// An amount of money in minor units (cents) of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Minor units; negative for what is given back.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// Makes an amount of minor units.
    pub const fn new(minor: i64, currency: Currency) -> Money {
        Money { minor, currency }
    }

    /// Gives nothing of a currency.
    pub const fn zero(currency: Currency) -> Money {
        Money { minor: 0, currency }
    }

    /// Adds; refuses another currency and what does not fit.
    pub fn plus(self, other: Money) -> Result<Money, Fault> {
        self.same(other)?;
        self.minor.checked_add(other.minor).map(|minor| Money { minor, ..self }).ok_or_else(too_large)
    }

    /// Subtracts; refuses another currency and what does not fit.
    pub fn minus(self, other: Money) -> Result<Money, Fault> {
        self.same(other)?;
        self.minor.checked_sub(other.minor).map(|minor| Money { minor, ..self }).ok_or_else(too_large)
    }

    /// Multiplies by a count.
    pub fn times(self, count: i64) -> Result<Money, Fault> {
        self.minor.checked_mul(count).map(|minor| Money { minor, ..self }).ok_or_else(too_large)
    }

    /// Gives `numerator / denominator` of the amount, rounded half away from zero.
    pub fn share(self, numerator: i64, denominator: i64) -> Result<Money, Fault> {
        let exact = i128::from(self.minor) * i128::from(numerator);
        let minor = div_half_away(exact, i128::from(denominator)).ok_or_else(too_large)?;
        Ok(Money { minor: i64::try_from(minor).map_err(|_| too_large())?, ..self })
    }

    /// Gives the tax that an amount already contains, at a rate in basis points (887 is 8.87 %).
    pub fn tax_included(self, rate_bp: i64) -> Result<Money, Fault> {
        self.share(rate_bp, 10_000 + rate_bp)
    }

    /// Gives the tax to add to an amount, at a rate in basis points.
    pub fn tax_added(self, rate_bp: i64) -> Result<Money, Fault> {
        self.share(rate_bp, 10_000)
    }

    fn same(self, other: Money) -> Result<(), Fault> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(Fault::invalid("currencies_differ", format!("{} and {} cannot be added.", self.currency, other.currency)))
    }
}

fn too_large() -> Fault {
    Fault::invalid("amount_too_large", "The amount is too large.")
}

/// Divides and rounds half away from zero: 2.5 becomes 3, -2.5 becomes -3.
fn div_half_away(numerator: i128, denominator: i128) -> Option<i128> {
    if denominator <= 0 {
        return None;
    }
    let half = denominator / 2;
    let shifted = if numerator >= 0 { numerator.checked_add(half)? } else { numerator.checked_sub(half)? };
    // An odd denominator has no exact half, so adding its floor rounds as it should; an even one adds the exact half.
    Some(shifted / denominator)
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10u64.pow(self.currency.decimals());
        let sign = if self.minor < 0 { "-" } else { "" };
        let whole = self.minor.unsigned_abs() / unit;
        let part = self.minor.unsigned_abs() % unit;
        match self.currency.decimals() {
            0 => write!(f, "{sign}{whole} {}", self.currency),
            decimals => write!(f, "{sign}{whole}.{part:0width$} {}", self.currency, width = decimals as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, Currency::USD)
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!(usd(5).share(1, 2).unwrap(), usd(3));
        assert_eq!(usd(-5).share(1, 2).unwrap(), usd(-3));
        assert_eq!(usd(4).share(1, 3).unwrap(), usd(1));
        assert_eq!(usd(5).share(1, 3).unwrap(), usd(2));
        assert_eq!(usd(-5).share(1, 3).unwrap(), usd(-2));
    }

    #[test]
    fn every_rounding_is_within_half_a_unit() {
        for minor in -500..500 {
            for rate in [1, 333, 887, 2_000, 9_999] {
                let tax = usd(minor).tax_added(rate).unwrap().minor;
                assert!((tax * 10_000 - minor * rate).abs() * 2 <= 10_000, "{minor} at {rate}");
            }
        }
    }

    #[test]
    fn currencies_do_not_mix_and_nothing_overflows() {
        assert_eq!(usd(1).plus(Money::new(1, Currency::EUR)).unwrap_err().code, "currencies_differ");
        assert_eq!(usd(i64::MAX).plus(usd(1)).unwrap_err().code, "amount_too_large");
        assert_eq!(usd(i64::MAX).times(2).unwrap_err().code, "amount_too_large");
    }

    #[test]
    fn money_prints_with_the_decimals_of_its_currency() {
        assert_eq!(usd(81_786_005).to_string(), "817860.05 USD");
        assert_eq!(usd(-7).to_string(), "-0.07 USD");
        assert_eq!(Money::new(1_200, Currency::parse("JPY").unwrap()).to_string(), "1200 JPY");
    }
}
