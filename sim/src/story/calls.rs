//! Calls between services, as their callers see them: told, and what struck them counted.

use base::Fault;
use wire::{Attempted, Witness};

use super::{Kind, Note};
use crate::machine::Machine;
use crate::weather::Trouble;

/// Hears the calls that leave a machine's services.
pub struct Listener(pub Machine);

impl Witness for Listener {
    fn asked(&self, attempt: Attempted<'_>) -> u64 {
        let method = attempt.method.rsplit('/').next().unwrap_or_default();
        let asked = self.0.kernel.tell(|| {
            // The operator's desk of a service (`orders.operator`) is in the same house.
            let to = attempt.to.split('.').next().unwrap_or(attempt.to);
            let note = Note::new(Kind::Asked, attempt.from, method).to(to).on(self.0.node);
            note.about([attempt.call.correlation.clone()])
        });
        asked.unwrap_or_default() as u64
    }

    fn answered(&self, asked: u64, fault: Option<&Fault>) {
        // The wire itself lets these strike, and says so only by their codes.
        match fault.map(|fault| fault.code.as_ref()) {
            Some("fault_injected") => self.0.weather.count(Trouble::CallFails),
            Some("answer_lost") => self.0.weather.count(Trouble::CallAnswerLost),
            _ => {}
        }
        self.0.kernel.tell(|| {
            let text = fault.map_or_else(|| "ok".to_owned(), |fault| format!("{}: {}", fault.code, fault.message));
            let asked = usize::try_from(asked).unwrap_or_default();
            Note::new(Kind::Answered, String::new(), text).bad(fault.is_some()).on(self.0.node).answering(asked)
        });
    }
}
