//! Durations as they are written in the file: a whole number and one unit, `600ms`, `30s`, `15m`, `2h`, `30d`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// What a person should write instead.
pub(crate) const FORM: &str = "write a whole number and one unit (ms, s, m, h, d), such as \"600ms\"";

/// Reads a duration longer than nothing; `None` when the text is not one or does not fit.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, unit_ms) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let ms = number.parse::<u64>().ok()?.checked_mul(*unit_ms)?;
    (ms > 0).then(|| Duration::from_millis(ms))
}

/// Writes a duration in the largest unit that loses nothing; parts below a millisecond are dropped.
pub fn show(duration: Duration) -> String {
    let ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let whole = UNITS.iter().find(|(_, unit_ms)| ms > 0 && ms.is_multiple_of(*unit_ms));
    whole.map_or_else(|| "0ms".to_owned(), |(name, unit_ms)| format!("{}{name}", ms / unit_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read_and_written_back() {
        for text in ["1ms", "600ms", "1500ms", "30s", "90s", "15m", "2h", "30d"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
        assert_eq!(parse("1500ms"), Some(Duration::from_millis(1500)));
        assert_eq!(show(parse("3600s").unwrap()), "1h");
        assert_eq!(show(Duration::ZERO), "0ms");
    }

    #[test]
    fn what_is_not_a_duration_is_refused() {
        for text in [
            "",
            "600",
            "ms",
            "600 ms",
            "1.5s",
            "-1s",
            "+1s",
            "0s",
            "1h30m",
            "10y",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
