//! Rules: what is declared must fit together; each rule is one function over the whole draft.

use std::collections::{BTreeMap, BTreeSet};

use crate::draft::Draft;
use crate::model::{PLATFORM, Store};
use crate::problem::{Code, Problems};
use crate::source::At;

/// Notes everything that does not fit.
pub(crate) fn check(draft: &Draft, problems: &mut Problems<'_>) {
    events_have_one_owner_and_a_topic(draft, problems);
    events_heard_are_said(draft, problems);
    events_said_are_heard(draft, problems);
    who_says_or_hears_has_a_store(draft, problems);
    needs_are_services(draft, problems);
    crate::cycles::check(draft, problems);
    crate::saga_rules::check(draft, problems);
}

/// Who says each event; the first one where two do.
pub(crate) fn owners(draft: &Draft) -> BTreeMap<&str, &str> {
    let mut owners = BTreeMap::new();
    for (speaker, says) in draft.speakers() {
        for event in says.iter().flat_map(|said| &said.events) {
            owners.entry(event.value.as_str()).or_insert(speaker);
        }
    }
    owners
}

fn events_have_one_owner_and_a_topic(draft: &Draft, problems: &mut Problems<'_>) {
    let topics: BTreeSet<&str> = draft.topics.iter().map(|topic| topic.value.name.as_str()).collect();
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for (speaker, says) in draft.speakers() {
        for said in says {
            let topic = &said.topic;
            if !topics.contains(topic.value.as_str()) {
                let message = format!("`{speaker}` speaks on `{}`, which is not a topic", topic.value);
                problems.add_meant(Code::UnknownTopic, &topic.span, message, &topic.value, topics.iter().copied());
            }
            for event in &said.events {
                let Some(owner) = owners.insert(&event.value, speaker) else {
                    continue;
                };
                let message = match owner == speaker {
                    true => format!("`{speaker}` says `{}` on two topics", event.value),
                    false => format!("`{}` is said by `{owner}` and by `{speaker}`", event.value),
                };
                problems.add_with_help(Code::DuplicateOwnerOfEvent, &event.span, message, "an event has one owner and one topic");
            }
        }
    }
}

fn events_heard_are_said(draft: &Draft, problems: &mut Problems<'_>) {
    let owners = owners(draft);
    for service in &draft.services {
        for event in service.hears.iter().filter(|event| !owners.contains_key(event.value.as_str())) {
            let message = format!("`{}` hears `{}`, which nobody says", service.name.value, event.value);
            problems.add_meant(Code::UndeclaredEvent, &event.span, message, &event.value, owners.keys().copied());
        }
    }
}

fn events_said_are_heard(draft: &Draft, problems: &mut Problems<'_>) {
    let heard: BTreeSet<&str> =
        draft.services.iter().flat_map(|service| &service.hears).map(|event| event.value.as_str()).collect();
    for (speaker, says) in draft.speakers() {
        let events = says.iter().flat_map(|said| &said.events);
        for event in events.filter(|event| !heard.contains(event.value.as_str())) {
            let message = format!("`{speaker}` says `{}`, which nobody hears", event.value);
            problems.add(Code::UnheardEvent, &event.span, message);
        }
    }
}

fn who_says_or_hears_has_a_store(draft: &Draft, problems: &mut Problems<'_>) {
    for service in draft.services.iter().filter(|service| service.store == Some(Store::None)) {
        let spoken = service.says.first().map(|said| ("says", &said.topic));
        let heard = service.hears.first().map(|event| ("hears", event));
        for (verb, at) in spoken.into_iter().chain(heard) {
            let message = format!("`{}` {verb} events but keeps no state to commit them with", service.name.value);
            problems.add_with_help(Code::StoreRequired, &at.span, message, "give it the store \"sql\" or \"documents\"");
        }
    }
}

fn needs_are_services(draft: &Draft, problems: &mut Problems<'_>) {
    for service in &draft.services {
        for (peer, _) in &service.needs {
            let message = format!("`{}` needs `{}`", service.name.value, peer.value);
            service_exists(draft, peer, message, problems);
        }
    }
}

/// Notes a mention of a service that is not declared; says whether it is.
pub(crate) fn service_exists(draft: &Draft, mention: &At<String>, sentence: String, problems: &mut Problems<'_>) -> bool {
    if draft.service_names.contains(&mention.value) {
        return true;
    }
    let message = match mention.value == PLATFORM {
        true => format!("{sentence}, which is the machinery and cannot be called"),
        false => format!("{sentence}, which is not a service"),
    };
    problems.add_meant(
        Code::UnknownService,
        &mention.span,
        message,
        &mention.value,
        draft.service_names.iter().map(String::as_str),
    );
    false
}
