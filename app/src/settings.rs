//! Settings: from `settings.toml` in the data folder, then from the command line.

use std::collections::BTreeMap;
use std::path::Path;

use base::Fault;

/// Every setting there is, and what it does. An unknown one is refused, so that a typing error is seen.
pub const KNOWN: [(&str, &str); 14] = [
    ("delivery_time_scale", "how many times faster than real time deliveries go"),
    ("kitchen_places", "how many times more places than seeded each station has"),
    ("kitchen_time_scale", "how many times faster than real time the kitchen works"),
    ("log_retention_days", "how long events are kept once everybody has heard them; for ever when not set"),
    ("order_first_deadline_seconds", "how long stock and payment of an order may take"),
    ("order_last_deadline_seconds", "how long an order may take in all"),
    ("orders_pending_max", "how many orders may wait for stock or money before new ones are refused"),
    ("payment_deadline_seconds", "how long the provider may take to answer about a payment"),
    ("provider_url", "where the payment provider is; the mock of this process when not set"),
    ("rate_limit_per_second", "how many requests one client may send per second"),
    ("sse_connections_max", "how many pages may follow events at once"),
    ("notification_days", "how long messages to people are shown"),
    ("mail_files_max", "how many mails the outbox folder holds before the oldest go"),
    ("flush_delay_ms", "added to every flush, to see what a slow disk does"),
];

/// Reads the settings of a data folder and of the command line (`name=value`).
#[allow(clippy::disallowed_methods)] // The one place where the file of settings is read.
pub fn read(folder: &Path, given: &[String]) -> Result<BTreeMap<String, String>, Fault> {
    let mut settings = BTreeMap::new();
    if let Ok(text) = std::fs::read_to_string(folder.join("settings.toml")) {
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = pair(line)?;
            settings.insert(name, value);
        }
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
    Ok((name.to_owned(), value.trim().trim_matches('"').to_owned()))
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
}
