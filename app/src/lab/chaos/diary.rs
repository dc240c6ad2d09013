//! What can be told from outside: what was sent and answered, and what struck, in order.
#![allow(clippy::disallowed_methods)] // A diary of a run in real time.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::Fault;
use people::net::{Answer, Ask};
use serde_json::Value;

/// How much of a body is written down.
const BODY_MAX: usize = 400;
/// How many lines are told of one order.
const TOLD_MAX: usize = 60;

#[derive(Clone)]
struct Line {
    at: Duration,
    /// Whether it happened to the platform, and so to every order.
    strikes: bool,
    text: String,
}

/// The diary of a run. Clones share everything.
#[derive(Clone)]
pub struct Diary {
    begun: Instant,
    lines: Arc<Mutex<Vec<Line>>>,
}

impl Diary {
    /// Begins one.
    pub fn begin() -> Diary {
        Diary { begun: Instant::now(), lines: Arc::default() }
    }

    fn lines(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, strikes: bool, text: String) {
        let at = self.begun.elapsed();
        self.lines().push(Line { at, strikes, text });
    }

    /// Notes what happens to the platform.
    pub fn strikes(&self, text: impl Into<String>) {
        self.add(true, text.into());
    }

    /// Notes what is sent.
    pub fn asked(&self, ask: &Ask, by: &str) {
        let body: String = ask.body.as_ref().map(Value::to_string).unwrap_or_default().chars().take(BODY_MAX).collect();
        self.add(false, format!("-> {} by {by} {body}", named(ask)));
    }

    /// Notes what came back; nothing when nobody knows.
    pub fn answered(&self, ask: &Ask, answer: Option<&Answer>) {
        let text = match answer {
            None => "no answer".to_owned(),
            Some(answer) => {
                let order = answer.body["order_id"].as_str().unwrap_or_default();
                let state = answer.body["state"].as_str().map(|state| format!(" is {state}")).unwrap_or_default();
                format!("{} {order}{state} {}", answer.status, answer.code())
            }
        };
        self.add(false, format!("<- {} ({})", text.trim_end(), named(ask)));
    }

    /// Tells the story of an order: what names it, and what struck meanwhile.
    pub fn story(&self, names: &[&str]) -> Vec<String> {
        let lines = self.lines();
        let is_about = |line: &Line| !line.strikes && names.iter().any(|name| line.text.contains(name));
        let Some(first) = lines.iter().position(is_about) else { return Vec::new() };
        let last = lines.iter().rposition(is_about).unwrap_or(first);
        let told: Vec<String> = lines[first..=last].iter().filter(|line| line.strikes || is_about(line)).map(written).collect();
        let more = told.len().saturating_sub(TOLD_MAX);
        let mut told: Vec<String> = told.into_iter().take(TOLD_MAX).collect();
        if more > 0 {
            told.push(format!("… and {more} lines more"));
        }
        told
    }

    /// Writes all of it into a file.
    pub fn write(&self, path: &Path) -> Result<(), Fault> {
        let text: String = self.lines().iter().map(|line| written(line) + "\n").collect();
        let failed = |error| Fault::internal("lab_failed", format!("{} cannot be written.", path.display())).because(error);
        std::fs::write(path, text).map_err(failed)
    }
}

fn named(ask: &Ask) -> String {
    let key = ask.key.as_ref().map(|key| format!(" key {key}")).unwrap_or_default();
    format!("{} {}{key}", ask.method, ask.path)
}

fn written(line: &Line) -> String {
    format!("{:>9.3} s {}{}", line.at.as_secs_f64(), if line.strikes { "** " } else { "" }, line.text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_story_has_what_names_the_order_and_what_struck_meanwhile() {
        let diary = Diary::begin();
        let ask = Ask::post("/v1/orders", "key-1", json!({}));
        diary.strikes("before");
        diary.asked(&ask, "guest");
        diary.asked(&Ask::get("/v1/orders/ord_2"), "staff");
        diary.strikes("kill -9");
        diary.answered(&ask, None);
        diary.strikes("after");
        let story = diary.story(&["ord_1", "key-1"]);
        assert_eq!(story.len(), 3, "{story:?}");
        assert!(story[0].contains("-> POST /v1/orders key key-1"));
        assert!(story[1].contains("** kill -9") && story[2].contains("no answer"));
        assert!(diary.story(&["ord_9"]).is_empty());
    }
}
