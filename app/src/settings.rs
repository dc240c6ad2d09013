//! Settings: from `settings.toml` in the data folder, then from the command line.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use base::Fault;

/// Every setting there is, and what it does. An unknown one is refused, so that a typing error is seen.
pub const KNOWN: [(&str, &str); 21] = [
    ("delivery_time_scale", "how many times faster than real time deliveries go"),
    (
        "kitchen_by_hand",
        "1 when dishes are done only when a cook says so, until a shop's staff set it for their kitchen; else they are done by the clock too",
    ),
    ("kitchen_places", "how many times more places than seeded each station has"),
    ("kitchen_time_scale", "how many times faster than real time the kitchen works"),
    (
        "log_retention_days",
        "how long events are kept once everybody has heard them; as long as the books when not set; 0 for ever",
    ),
    (
        "work_retention_days",
        "how long tickets, deliveries, reservations and figures by the minute are kept; 90 when not set, 0 for ever",
    ),
    ("books_retention_days", "how long orders that have ended and their payments are kept; 3650 when not set, 0 for ever"),
    ("order_first_deadline_seconds", "how long stock and payment of an order may take"),
    ("order_last_deadline_seconds", "how long an order may take in all"),
    ("orders_pending_max", "how many orders may wait for stock or money before new ones are refused"),
    ("payment_deadline_seconds", "how long the provider may take to answer about a payment"),
    ("provider_url", "where the payment provider is; the mock of this process when not set"),
    ("rate_limit_per_second", "how many requests one client may send per second"),
    (
        "rate_limit_devices_per_second",
        "how many new devices one address may make per second; a tenth of the rate limit when not set",
    ),
    ("sse_connections_max", "how many pages may follow events at once"),
    ("sse_connections_per_address", "how many of them all guests of one address may have"),
    ("sse_connections_per_client", "how many of them one client may have"),
    ("trusted_proxies", "whose X-Forwarded-For is believed, such as 10.0.0.0/8,::1; nobody's when not set"),
    ("notification_days", "how long messages to people are shown"),
    ("mail_files_max", "how many mails the outbox folder holds before the oldest go"),
    ("flush_delay_ms", "added to every flush, to see what a slow disk does"),
];

/// Nothing is kept shorter: an order may take a day and a half, and whoever takes part in it needs what it knows of it.
const RETENTION_DAYS_MIN: f64 = 2.0;

/// Reads the settings of a data folder and of the command line (`name=value`).
#[allow(clippy::disallowed_methods)] // The one place where the file of settings is read.
pub fn read(folder: &Path, given: &[String]) -> Result<BTreeMap<String, String>, Fault> {
    let mut settings = BTreeMap::new();
    let file = folder.join("settings.toml");
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        // Whoever wrote one means it: to go on without it would mean the usual provider and the usual limits.
        Err(error) => {
            let message = format!("The settings in {} cannot be read: {error}.", file.display());
            return Err(Fault::invalid("settings_unreadable", message).because(error));
        }
    };
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (name, value) = pair(line)?;
        settings.insert(name, value);
    }
    for text in given {
        let (name, value) = pair(text)?;
        settings.insert(name, value);
    }
    Ok(settings)
}

fn pair(text: &str) -> Result<(String, String), Fault> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| Fault::invalid("bad_setting", format!("`{text}` is not of the form name = value.")))?;
    let name = name.trim();
    if !KNOWN.iter().any(|(known, _)| *known == name) {
        let names: Vec<_> = KNOWN.iter().map(|(known, what)| format!("  {known}: {what}")).collect();
        return Err(Fault::invalid("unknown_setting", format!("There is no setting `{name}`. There are:\n{}", names.join("\n"))));
    }
    let value = value.trim().trim_matches('"');
    if name.ends_with("_retention_days") && !value.parse().is_ok_and(|days: f64| days == 0.0 || days >= RETENTION_DAYS_MIN) {
        let message = format!("`{name}` is a number of days, {RETENTION_DAYS_MIN} or more, or 0 for ever: `{value}` is not.");
        return Err(Fault::invalid("bad_setting", message));
    }
    if let Some(takes) = takes(name)
        && !value.parse().is_ok_and(|number: f64| takes.contains(&number))
    {
        let message = format!("`{name}` is a number from {} to {}: `{value}` is not.", takes.start(), takes.end());
        return Err(Fault::invalid("bad_setting", message));
    }
    Ok((name.to_owned(), value.to_owned()))
}

/// Tells which numbers a setting takes; none for those that are not numbers, or have a rule of their own.
fn takes(name: &str) -> Option<std::ops::RangeInclusive<f64>> {
    match name {
        "provider_url" | "trusted_proxies" => None,
        _ if name.ends_with("_retention_days") => None,
        "kitchen_time_scale" | "delivery_time_scale" => Some(0.001..=1e12),
        "kitchen_by_hand" => Some(0.0..=1.0),
        "kitchen_places" => Some(1.0..=1_000.0),
        _ => Some(0.0..=1e12),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_setting_is_refused_with_those_there_are() {
        let fault = read(Path::new("/nowhere"), &["kitchen_time_scal=2".to_owned()]).unwrap_err();
        assert!(fault.code == "unknown_setting" && fault.message.contains("kitchen_time_scale"));
        let settings = read(Path::new("/nowhere"), &["kitchen_time_scale = \"60\"".to_owned()]).unwrap();
        assert_eq!(settings["kitchen_time_scale"], "60");
    }

    #[test]
    #[allow(clippy::disallowed_methods)] // A test on a folder of its own.
    fn settings_that_are_there_and_cannot_be_read_are_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path(), &[]).unwrap().is_empty());
        // A comment in an old Russian code page.
        std::fs::write(folder.path().join("settings.toml"), b"# \xef\xf0\xee\nprovider_url = http://10.0.0.5:9000\n").unwrap();
        assert_eq!(read(folder.path(), &[]).unwrap_err().code, "settings_unreadable");
    }

    #[test]
    fn a_value_that_a_setting_does_not_take_is_refused() {
        let read = |text: &str| read(Path::new("/nowhere"), &[text.to_owned()]);
        for bad in [
            "kitchen_time_scale=abc",
            "kitchen_time_scale=0",
            "delivery_time_scale=-1",
            "rate_limit_per_second=fast",
            "orders_pending_max=NaN",
        ] {
            assert_eq!(read(bad).unwrap_err().code, "bad_setting", "{bad}");
        }
        for good in ["kitchen_time_scale=60", "orders_pending_max=0", "flush_delay_ms=5", "provider_url=http://127.0.0.1:1"] {
            assert!(read(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn nothing_is_kept_shorter_than_an_order_may_take() {
        let read = |text: &str| read(Path::new("/nowhere"), &[text.to_owned()]);
        for bad in ["work_retention_days=1", "books_retention_days=-3", "log_retention_days=", "log_retention_days=a week"] {
            assert_eq!(read(bad).unwrap_err().code, "bad_setting", "{bad}");
        }
        for good in ["work_retention_days=2", "books_retention_days=0", "log_retention_days=30.5"] {
            assert!(read(good).is_ok(), "{good}");
        }
    }
}
