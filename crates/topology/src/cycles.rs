//! Cycles: services that wait for each other in a circle can all stand still at once, so calls go one way.

use std::collections::{BTreeMap, BTreeSet};

use crate::draft::Draft;
use crate::problem::{Code, Problems};
use crate::source::At;

/// Edges by caller, in the order of names.
type Needs<'d> = BTreeMap<&'d str, Vec<&'d At<String>>>;

/// Notes each edge that closes a circle, with the whole circle; without these edges none would be left.
pub(crate) fn check(draft: &Draft, problems: &mut Problems<'_>) {
    let needs: Needs<'_> = draft
        .services
        .iter()
        .map(|service| (service.name.value.as_str(), service.needs.iter().map(|(peer, _)| peer).collect()))
        .collect();
    let mut walk = Walk { needs: &needs, path: Vec::new(), done: BTreeSet::new(), problems };
    needs.keys().for_each(|service| walk.visit(service));
}

struct Walk<'d, 'p, 's> {
    needs: &'d Needs<'d>,
    /// From where the walk began to where it stands.
    path: Vec<&'d str>,
    done: BTreeSet<&'d str>,
    problems: &'p mut Problems<'s>,
}

impl<'d> Walk<'d, '_, '_> {
    fn visit(&mut self, service: &'d str) {
        if self.done.contains(service) {
            return;
        }
        self.path.push(service);
        for peer in self.needs.get(service).into_iter().flatten() {
            match self.path.iter().position(|earlier| *earlier == peer.value) {
                Some(start) => self.refuse(start, peer),
                None => self.visit(&peer.value),
            }
        }
        self.path.pop();
        self.done.insert(service);
    }

    fn refuse(&mut self, start: usize, closing: &At<String>) {
        let circle: Vec<String> =
            self.path[start..].iter().chain([&closing.value.as_str()]).map(|name| format!("`{name}`")).collect();
        let message = format!("calls go in a circle: {}", circle.join(" needs "));
        self.problems.add_with_help(Code::CycleInNeeds, &closing.span, message, "let one of them hear an event instead");
    }
}
