//! Saga rules: the page where a choreography is seen whole must agree with what each service declares.

use std::collections::BTreeSet;

use crate::draft::{Draft, SagaDraft, ServiceDraft, StepDraft};
use crate::duration;
use crate::problem::{Code, Problems};
use crate::rules::{owners, service_exists};
use crate::source::At;

/// Notes everything in the sagas that does not fit.
pub(crate) fn check(draft: &Draft, problems: &mut Problems<'_>) {
    for saga in &draft.sagas {
        steps_are_told_apart(saga, problems);
        events_come_from_a_step(draft, saga, problems);
        for step in &saga.steps {
            step_agrees_with_its_service(draft, saga, step, problems);
            step_fits_into_the_saga(saga, step, problems);
        }
    }
}

fn steps_are_told_apart(saga: &SagaDraft, problems: &mut Problems<'_>) {
    let mut seen = BTreeSet::new();
    for does in saga.steps.iter().filter_map(|step| step.does.as_ref()) {
        if !seen.insert(&does.value) {
            problems.add(
                Code::DuplicateStep,
                &does.span,
                format!("the saga `{}` has two steps `{}`", saga.name.value, does.value),
            );
        }
    }
}

fn events_come_from_a_step(draft: &Draft, saga: &SagaDraft, problems: &mut Problems<'_>) {
    let owners = owners(draft);
    let said: BTreeSet<&str> = saga.steps.iter().flat_map(|step| &step.says).map(|event| event.value.as_str()).collect();
    let heard = saga.steps.iter().flat_map(|step| &step.hears);
    for event in heard.clone().chain(saga.steps.iter().flat_map(|step| &step.says)).chain(&saga.ends) {
        if !owners.contains_key(event.value.as_str()) {
            let message = format!("the saga `{}` mentions `{}`, which nobody says", saga.name.value, event.value);
            problems.add_meant(Code::SagaEventUnknown, &event.span, message, &event.value, owners.keys().copied());
        }
    }
    for event in heard.chain(&saga.ends) {
        if owners.contains_key(event.value.as_str()) && !said.contains(event.value.as_str()) {
            let message = format!("the saga `{}` waits for `{}`, which none of its steps says", saga.name.value, event.value);
            problems.add(Code::SagaEventFromNowhere, &event.span, message);
        }
    }
}

fn step_agrees_with_its_service(draft: &Draft, saga: &SagaDraft, step: &StepDraft, problems: &mut Problems<'_>) {
    let Some(who) = &step.who else { return };
    if !service_exists(draft, who, format!("a step of the saga `{}` is done by `{}`", saga.name.value, who.value), problems) {
        return;
    }
    let Some(service) = draft.services.iter().find(|service| service.name.value == who.value) else {
        return;
    };
    let owners = owners(draft);
    let hears = |event: &At<String>, service: &ServiceDraft| service.hears.iter().any(|heard| heard.value == event.value);
    for event in &step.says {
        if let Some(owner) = owners.get(event.value.as_str()).filter(|owner| **owner != who.value) {
            let message = format!("`{}` belongs to `{owner}`, so `{}` cannot say it", event.value, who.value);
            problems.add(Code::SagaEventNotSaid, &event.span, message);
        }
    }
    for event in step.hears.iter().filter(|event| owners.contains_key(event.value.as_str()) && !hears(event, service)) {
        let message = format!("`{}` does not hear `{}`", who.value, event.value);
        let help = format!("add it to `services.{}.hears`", who.value);
        problems.add_with_help(Code::SagaEventNotHeard, &event.span, message, help);
    }
}

fn step_fits_into_the_saga(saga: &SagaDraft, step: &StepDraft, problems: &mut Problems<'_>) {
    let names = || saga.steps.iter().filter_map(|other| other.does.as_ref()).map(|does| does.value.as_str());
    for undone in step.undoes.iter().filter(|undone| !names().any(|name| name == undone.value)) {
        let message = format!("the saga `{}` has no step `{}` to undo", saga.name.value, undone.value);
        problems.add_meant(Code::UnknownStep, &undone.span, message, &undone.value, names());
    }
    if let Some(deadline) = step.deadline.as_ref().filter(|deadline| deadline.value > saga.deadline) {
        let message = format!("this step may take longer than the whole saga `{}`", saga.name.value);
        problems.add_with_help(
            Code::DeadlineTooLong,
            &deadline.span,
            message,
            format!("the saga has {}", duration::show(saga.deadline)),
        );
    }
}
