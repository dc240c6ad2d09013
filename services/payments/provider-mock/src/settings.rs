//! How badly the provider behaves. It can be changed while it runs, and outlives a restart.

use serde::{Deserialize, Serialize};

use crate::Problem;

/// The longest latency that can be set.
const LATENCY_MS_MAX: u64 = 600_000;
/// The most tokens that can be declined.
const DECLINED_MAX: usize = 1_000;

/// What people can set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long every call takes, in milliseconds.
    pub latency_ms: u64,
    /// Which share of calls (0 to 1) is answered with 503 before anything has happened.
    pub failure_rate: f64,
    /// Which share of the calls that move money (0 to 1) is carried out, and the connection then dropped.
    pub lost_answer_rate: f64,
    /// The tokens whose card says no.
    pub declined_tokens: Vec<String>,
    /// Whether every call's connection is dropped before anything has happened.
    pub down: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            latency_ms: 0,
            failure_rate: 0.0,
            lost_answer_rate: 0.0,
            declined_tokens: vec!["tok_declined".to_owned(), "tok_insufficient_funds".to_owned()],
            down: false,
        }
    }
}

impl Settings {
    /// Refuses what makes no sense.
    pub fn check(self) -> Result<Settings, Problem> {
        let rates = [self.failure_rate, self.lost_answer_rate];
        if rates.iter().any(|rate| !(0.0..=1.0).contains(rate)) {
            return Err(Problem::new(400, "bad_settings", "A rate is a number from 0 to 1."));
        }
        if self.latency_ms > LATENCY_MS_MAX || self.declined_tokens.len() > DECLINED_MAX {
            return Err(Problem::new(400, "bad_settings", "At most ten minutes of latency and 1,000 declined tokens."));
        }
        Ok(self)
    }

    /// Tells why a token's card says no, if it does.
    pub fn declines(&self, token: &str) -> Option<&'static str> {
        let declined = self.declined_tokens.iter().any(|known| known == token);
        declined.then_some(if token == "tok_insufficient_funds" { "insufficient_funds" } else { "card_declined" })
    }
}

/// Tells whether something with a likelihood of `rate` happens, given 64 bits of chance.
pub(crate) fn happens(rate: f64, chance: u64) -> bool {
    // 53 bits are what a double holds.
    #[allow(clippy::cast_precision_loss)]
    let share = (chance >> 11) as f64 / (1u64 << 53) as f64;
    share < rate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_and_always_mean_what_they_say() {
        for chance in [0, 1 << 30, u64::MAX] {
            assert!(!happens(0.0, chance) && happens(1.0, chance));
        }
        assert!(happens(0.5, u64::MAX / 4) && !happens(0.5, u64::MAX / 4 * 3));
    }

    #[test]
    fn senseless_settings_are_refused() {
        assert!(Settings { failure_rate: 1.1, ..Settings::default() }.check().is_err());
        assert!(Settings { lost_answer_rate: f64::NAN, ..Settings::default() }.check().is_err());
        assert!(Settings::default().check().is_ok());
    }
}
