//! `comanda events` at work beside a platform: what an operator sees in a terminal.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use serde_json::Value;

use crate::platform::{Platform, comanda};

/// A terminal that follows the events.
pub struct Watch {
    child: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
}

impl Watch {
    /// Follows what is said from now on; nothing is missed, however late the stream opens.
    pub async fn start(platform: &Platform, args: &[&str]) -> Watch {
        let newest = newest(platform).await;
        Watch::after(platform, &newest, args)
    }

    /// Follows what was said after an event.
    pub fn after(platform: &Platform, event: &str, args: &[&str]) -> Watch {
        let mut command = comanda();
        command.args(["events", "--after", event, "--url", &platform.url, "--data"]).arg(&platform.data).args(args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (send, lines) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            let mut lines = output.lines().map_while(Result::ok);
            // The snapshot of nothing and pings are not events.
            lines.try_for_each(|line| serde_json::from_str(&line).map_or(Ok(()), |event| send.send(event)))
        });
        Watch { child, lines, seen: Vec::new() }
    }

    /// Waits until an event of a type was said about something; gives everything seen so far.
    pub async fn until(&mut self, platform: &Platform, kind: &str, subject: &str) -> &[Value] {
        let (lines, seen) = (&self.lines, std::cell::RefCell::new(&mut self.seen));
        platform
            .eventually(&format!("`comanda events` shows {kind} of {subject}"), async |_| {
                seen.borrow_mut().extend(lines.try_iter());
                seen.borrow().iter().any(|event| is(event, kind) && event["subject"] == subject).then_some(())
            })
            .await;
        &self.seen
    }
}

impl Watch {
    /// Waits until it ends by itself, and tells whether it ended well.
    pub fn ended(mut self) -> bool {
        self.child.wait().unwrap().success()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells whether an event is of a type, whatever its version.
pub fn is(event: &Value, kind: &str) -> bool {
    name(event) == kind
}

/// Gives the type of an event without its version.
pub fn name(event: &Value) -> &str {
    event["type"].as_str().unwrap().rsplit_once(".v").unwrap().0
}

/// Gives everything that was said about something, in the order of the log, from one topic or from all.
pub async fn said_of(platform: &Platform, subject: &str, topic: &str) -> Vec<Value> {
    let mut all = log(platform, topic).await;
    all.retain(|event| event["subject"] == subject);
    all
}

/// Gives the names of all that was said about something, but for the messages to people.
pub async fn story_of(platform: &Platform, subject: &str) -> Vec<String> {
    let said = said_of(platform, subject, "").await;
    names(&said).into_iter().filter(|name| *name != "notification.created").map(str::to_owned).collect()
}

/// Gives the story of something once an event of a type is in it: a row shows in its service a moment before the event shows
/// in the log.
pub async fn story_until(platform: &Platform, subject: &str, kind: &str) -> Vec<String> {
    platform
        .eventually(&format!("{kind} of {subject} is in the log"), async |platform| {
            let story = story_of(platform, subject).await;
            story.iter().any(|name| name == kind).then_some(story)
        })
        .await
}

/// Gives the names of events.
pub fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(name).collect()
}

async fn newest(platform: &Platform) -> String {
    log(platform, "").await.last().map_or(String::new(), |event| event["id"].as_str().unwrap().to_owned())
}

/// Gives the whole log, of one topic or of all.
pub async fn log(platform: &Platform, topic: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = platform.look(&format!("/v1/events/log?limit=200&topic={topic}&after={after}")).await;
        all.extend(page["events"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return all,
        }
    }
}
