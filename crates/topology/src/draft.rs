//! Draft: what the file says, before anybody asked whether it fits together.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{EdgePolicy, Environment, Slo, Store, Topic};
use crate::source::At;

/// Everything that could be read; what could not is a problem by now and has a harmless stand-in here.
#[derive(Default)]
pub(crate) struct Draft {
    pub(crate) topics: Vec<At<Topic>>,
    /// Every name that is declared, also where the rest of the service could not be read.
    pub(crate) service_names: BTreeSet<String>,
    pub(crate) services: Vec<ServiceDraft>,
    /// What the machinery itself says.
    pub(crate) platform: Vec<SaysDraft>,
    pub(crate) sagas: Vec<SagaDraft>,
    pub(crate) environments: Vec<Environment>,
    pub(crate) slo: Option<Slo>,
}

pub(crate) struct ServiceDraft {
    pub(crate) name: At<String>,
    pub(crate) owns: String,
    /// `None` when it could not be read.
    pub(crate) store: Option<Store>,
    pub(crate) says: Vec<SaysDraft>,
    pub(crate) hears: Vec<At<String>>,
    pub(crate) needs: Vec<(At<String>, EdgePolicy)>,
}

/// The events that somebody says on one topic.
pub(crate) struct SaysDraft {
    pub(crate) topic: At<String>,
    pub(crate) events: Vec<At<String>>,
}

pub(crate) struct SagaDraft {
    pub(crate) name: At<String>,
    pub(crate) ends: Vec<At<String>>,
    pub(crate) deadline: Duration,
    pub(crate) steps: Vec<StepDraft>,
}

pub(crate) struct StepDraft {
    /// `None` when it could not be read.
    pub(crate) does: Option<At<String>>,
    /// `None` when it could not be read.
    pub(crate) who: Option<At<String>>,
    pub(crate) hears: Vec<At<String>>,
    pub(crate) says: Vec<At<String>>,
    pub(crate) undoes: Vec<At<String>>,
    pub(crate) deadline: Option<At<Duration>>,
}

impl Draft {
    /// Everybody who says something, with the name under which it is known.
    pub(crate) fn speakers(&self) -> impl Iterator<Item = (&str, &[SaysDraft])> {
        let services = self.services.iter().map(|service| (service.name.value.as_str(), service.says.as_slice()));
        services.chain([(crate::model::PLATFORM, self.platform.as_slice())])
    }
}
