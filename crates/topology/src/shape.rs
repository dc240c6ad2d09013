//! Shape: which keys there are and what type each takes; a text becomes a [`Draft`].

use std::collections::BTreeMap;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use crate::draft::{Draft, SagaDraft, SaysDraft, ServiceDraft, StepDraft};
use crate::model::{Data, Environment, Mode, Slo, Store, Topic};
use crate::names::Kind;
use crate::problem::{Code, Problems};
use crate::read::{Entry, Table};
use crate::source::At;

/// The engines that a port can stand on, by port.
const ENGINES: [(&str, &[(&str, &str)]); 3] = [
    ("sql", &[("sqlite", "sqlite"), ("postgresql", "postgresql")]),
    ("documents", &[("sqlite", "sqlite"), ("mongodb", "mongodb")]),
    ("eventlog", &[("sqlite", "sqlite"), ("kafka", "kafka"), ("rabbitmq", "rabbitmq")]),
];

/// Reads the text; `None` when it is not TOML, so that asking whether it fits together makes no sense.
pub(crate) fn read(text: &str, problems: &mut Problems<'_>) -> Option<Draft> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let code = if error.message() == "duplicate key" { Code::DuplicateKey } else { Code::Syntax };
        let message =
            if code == Code::DuplicateKey { "this key is already there".to_owned() } else { error.message().to_owned() };
        problems.add(code, &error.span().unwrap_or_default(), message);
    }
    let root = Table::new("", 0..0, document.get_ref());
    let draft = file(&root, problems);
    if problems.has(Code::Syntax) {
        problems.forget_echoes_of_syntax();
        return None;
    }
    Some(draft)
}

fn file(root: &Table<'_>, problems: &mut Problems<'_>) -> Draft {
    problems.allow(root, &["topics", "services", "platform", "saga", "environments", "slo"]);
    problems.required(root, "topics");
    problems.required(root, "services");
    let mut draft = Draft::default();
    each(root, "topics", Kind::Topic, problems, |table, name, problems| draft.topics.push(topic(table, name, problems)));
    if let Some(DeValue::Table(services)) = root.value("services") {
        draft.service_names = services.keys().map(|name| name.get_ref().to_string()).collect();
    }
    each(root, "services", Kind::Service, problems, |table, name, problems| draft.services.push(service(table, name, problems)));
    each(root, "saga", Kind::Saga, problems, |table, name, problems| draft.sagas.push(saga(table, name, problems)));
    each(root, "environments", Kind::Environment, problems, |table, name, problems| {
        draft.environments.push(environment(table, name, problems));
    });
    if let Some(table) = problems.table(root, "platform") {
        problems.allow(&table, &["says"]);
        draft.platform = says(&table, problems);
    }
    draft.slo = problems.table(root, "slo").and_then(|table| slo(&table, problems));
    draft
}

/// Walks the tables under a key whose names are free.
fn each<'a, 's>(
    root: &Table<'a>,
    key: &str,
    kind: Kind,
    problems: &mut Problems<'s>,
    mut read: impl FnMut(&Table<'a>, At<String>, &mut Problems<'s>),
) {
    let Some(group) = problems.table(root, key) else {
        return;
    };
    for entry in group.entries() {
        kind.check(&entry.key, problems);
        if let Some(table) = problems.as_table(&group, entry) {
            read(&table, entry.key.clone(), problems);
        }
    }
}

fn topic(table: &Table<'_>, name: At<String>, problems: &mut Problems<'_>) -> At<Topic> {
    problems.allow(table, &["carries", "retention"]);
    let carries = problems.text(table, "carries").map(|text| text.value).unwrap_or_default();
    let retention = problems.duration(table, "retention").map(|at| at.value).unwrap_or_default();
    At { span: name.span, value: Topic { name: name.value, carries, retention } }
}

fn service(table: &Table<'_>, name: At<String>, problems: &mut Problems<'_>) -> ServiceDraft {
    problems.allow(table, &["owns", "store", "says", "hears", "needs"]);
    let stores = [("sql", Store::Sql), ("documents", Store::Documents), ("none", Store::None)];
    ServiceDraft {
        owns: problems.text(table, "owns").map(|text| text.value).unwrap_or_default(),
        store: problems.choice(table, "store", &stores),
        says: says(table, problems),
        hears: problems.texts(table, "hears"),
        needs: crate::shape_edges::needs(table, problems),
        name,
    }
}

fn says(table: &Table<'_>, problems: &mut Problems<'_>) -> Vec<SaysDraft> {
    let Some(topics) = problems.table(table, "says") else {
        return Vec::new();
    };
    let on_topic = |entry: &Entry<'_>, problems: &mut Problems<'_>| {
        let events = problems.texts(&topics, &entry.key.value);
        events.iter().for_each(|event| Kind::Event.check(event, problems));
        SaysDraft { topic: entry.key.clone(), events }
    };
    topics.entries().map(|entry| on_topic(entry, problems)).collect()
}

fn saga(table: &Table<'_>, name: At<String>, problems: &mut Problems<'_>) -> SagaDraft {
    problems.allow(table, &["ends", "deadline", "steps"]);
    if let Some(Entry { key, value }) = problems.required(table, "ends")
        && value.get_ref().as_array().is_some_and(|ends| ends.is_empty())
    {
        problems.add(Code::SagaWithoutEnd, &key.span, format!("the saga `{}` never ends", name.value));
    }
    let deadline = problems.duration(table, "deadline").map_or(Duration::MAX, |at| at.value);
    let steps = problems.tables(table, "steps");
    SagaDraft {
        ends: problems.texts(table, "ends"),
        deadline,
        steps: steps.iter().map(|table| step(table, problems)).collect(),
        name,
    }
}

fn step(table: &Table<'_>, problems: &mut Problems<'_>) -> StepDraft {
    problems.allow(table, &["does", "who", "hears", "says", "undoes", "deadline"]);
    let does = problems.text(table, "does");
    let who = problems.text(table, "who");
    let hears = problems.texts(table, "hears");
    let says = problems.texts(table, "says");
    let undoes = problems.texts(table, "undoes");
    // Nobody waits for the step that a person starts; everybody waits for an answer to what was heard.
    let deadline =
        if hears.is_empty() { problems.duration_if_any(table, "deadline") } else { problems.duration(table, "deadline") };
    does.iter().for_each(|does| Kind::Step.check(does, problems));
    StepDraft { does, who, hears, says, undoes, deadline }
}

fn environment(table: &Table<'_>, name: At<String>, problems: &mut Problems<'_>) -> Environment {
    problems.allow(table, &["purpose", "mode", "data", "engines"]);
    let modes = [("all-in-one", Mode::AllInOne), ("split", Mode::Split), ("simulated", Mode::Simulated)];
    let data = [("kept", Data::Kept), ("throwaway", Data::Throwaway)];
    problems.required(table, "engines");
    let purpose = problems.text(table, "purpose").map(|text| text.value).unwrap_or_default();
    let mode = problems.choice(table, "mode", &modes).unwrap_or(Mode::AllInOne);
    let data = problems.choice(table, "data", &data).unwrap_or(Data::Kept);
    let mut engines = BTreeMap::new();
    if let Some(group) = problems.table(table, "engines") {
        problems.allow(&group, &ENGINES.map(|(port, _)| port));
        for (port, choices) in ENGINES {
            engines.extend(problems.choice(&group, port, choices).map(|engine| (port.to_owned(), engine.to_owned())));
        }
    }
    Environment { name: name.value, purpose, mode, data, engines }
}

fn slo(table: &Table<'_>, problems: &mut Problems<'_>) -> Option<Slo> {
    problems.allow(table, &["accept_p95", "accept_p99", "deliver_p95", "failures_ppm_max"]);
    let accept_p95 = problems.duration(table, "accept_p95");
    let accept_p99 = problems.duration(table, "accept_p99");
    let deliver_p95 = problems.duration(table, "deliver_p95");
    problems.required(table, "failures_ppm_max");
    let failures_ppm_max = problems.whole(table, "failures_ppm_max", 1..=1_000_000)?;
    Some(Slo { accept_p95: accept_p95?.value, accept_p99: accept_p99?.value, deliver_p95: deliver_p95?.value, failures_ppm_max })
}
