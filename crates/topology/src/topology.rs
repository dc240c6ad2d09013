//! Topology: a valid file, and the questions that it answers.

use std::collections::BTreeMap;

use crate::draft::{Draft, SagaDraft, SaysDraft, ServiceDraft};
use crate::model::{EdgePolicy, Environment, Event, Saga, Service, Slo, Step, Store, Topic};
use crate::problem::{Problem, Problems, Report};
use crate::source::At;

/// Everything that `topology.toml` declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    topics: BTreeMap<String, Topic>,
    services: BTreeMap<String, Service>,
    events: BTreeMap<String, Event>,
    sagas: BTreeMap<String, Saga>,
    environments: BTreeMap<String, Environment>,
    slo: Option<Slo>,
    warnings: Vec<Problem>,
}

impl Topology {
    /// Reads and checks a file; the report holds everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Topology, Report> {
        let mut problems = Problems::new(text);
        let draft = crate::shape::read(text, &mut problems);
        if let Some(draft) = &draft {
            crate::rules::check(draft, &mut problems);
        }
        let warnings = problems.finish()?;
        Ok(Topology::from_draft(draft.expect("a text without a draft has a syntax error, which is reported"), warnings))
    }

    /// What is odd about the file but does not keep it from being used.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The service of this name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.get(name)
    }

    /// All services, ordered by name.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.values()
    }

    /// How `from` calls `to`, when it is declared that it does.
    pub fn edge(&self, from: &str, to: &str) -> Option<&EdgePolicy> {
        self.services.get(from)?.needs.get(to)
    }

    /// All edges as caller, callee and policy, ordered by both names.
    pub fn edges(&self) -> impl Iterator<Item = (&str, &str, &EdgePolicy)> {
        self.services
            .values()
            .flat_map(|service| service.needs.iter().map(|(peer, policy)| (service.name.as_str(), peer.as_str(), policy)))
    }

    /// The services that call this one, ordered by name.
    pub fn callers_of<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a Service> {
        self.services.values().filter(move |caller| caller.needs.contains_key(service))
    }

    /// The topic of this name.
    pub fn topic(&self, name: &str) -> Option<&Topic> {
        self.topics.get(name)
    }

    /// All topics, ordered by name.
    pub fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.values()
    }

    /// The event of this name, without a version.
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.get(name)
    }

    /// All events, ordered by name.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.values()
    }

    /// Who says this event: a service, or [`PLATFORM`](crate::PLATFORM).
    pub fn producer_of(&self, event: &str) -> Option<&str> {
        self.events.get(event).map(|event| event.producer.as_str())
    }

    /// Where this event is said.
    pub fn topic_of(&self, event: &str) -> Option<&str> {
        self.events.get(event).map(|event| event.topic.as_str())
    }

    /// The services that hear this event, ordered by name; none for an event that is not declared.
    pub fn hearers_of(&self, event: &str) -> &[String] {
        self.events.get(event).map_or(&[], |event| &event.hearers)
    }

    /// The saga of this name.
    pub fn saga(&self, name: &str) -> Option<&Saga> {
        self.sagas.get(name)
    }

    /// All sagas, ordered by name.
    pub fn sagas(&self) -> impl Iterator<Item = &Saga> {
        self.sagas.values()
    }

    /// The environment of this name.
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.get(name)
    }

    /// All environments, ordered by name.
    pub fn environments(&self) -> impl Iterator<Item = &Environment> {
        self.environments.values()
    }

    /// What the platform promises about its speed, if it does.
    pub fn slo(&self) -> Option<&Slo> {
        self.slo.as_ref()
    }

    fn from_draft(draft: Draft, warnings: Vec<Problem>) -> Topology {
        Topology {
            events: events(&draft),
            topics: draft.topics.into_iter().map(|topic| (topic.value.name.clone(), topic.value)).collect(),
            services: draft.services.into_iter().map(|service| (service.name.value.clone(), self::service(service))).collect(),
            sagas: draft.sagas.into_iter().map(|saga| (saga.name.value.clone(), self::saga(saga))).collect(),
            environments: draft.environments.into_iter().map(|place| (place.name.clone(), place)).collect(),
            slo: draft.slo,
            warnings,
        }
    }
}

fn events(draft: &Draft) -> BTreeMap<String, Event> {
    let mut events = BTreeMap::new();
    for (producer, says) in draft.speakers() {
        for SaysDraft { topic, events: said } in says {
            for name in said.iter().map(|event| event.value.clone()) {
                let hears = |service: &&ServiceDraft| service.hears.iter().any(|heard| heard.value == name);
                let hearers = draft.services.iter().filter(hears).map(|service| service.name.value.clone()).collect();
                events.insert(name.clone(), Event { name, topic: topic.value.clone(), producer: producer.to_owned(), hearers });
            }
        }
    }
    events
}

fn service(draft: ServiceDraft) -> Service {
    Service {
        name: draft.name.value,
        owns: draft.owns,
        store: draft.store.unwrap_or(Store::None),
        says: draft.says.into_iter().map(|said| (said.topic.value, values(said.events))).collect(),
        hears: values(draft.hears),
        needs: draft.needs.into_iter().map(|(peer, policy)| (peer.value, policy)).collect(),
    }
}

fn saga(draft: SagaDraft) -> Saga {
    let step = |step: crate::draft::StepDraft| Step {
        does: step.does.map(|at| at.value).unwrap_or_default(),
        who: step.who.map(|at| at.value).unwrap_or_default(),
        hears: values(step.hears),
        says: values(step.says),
        undoes: values(step.undoes),
        deadline: step.deadline.map(|at| at.value),
    };
    Saga {
        name: draft.name.value,
        ends: values(draft.ends),
        deadline: draft.deadline,
        steps: draft.steps.into_iter().map(step).collect(),
    }
}

fn values(texts: Vec<At<String>>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}
