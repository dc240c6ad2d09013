//! Turns changes into the ordered steps of one batch, and a missed step back into what it stood for.

use base::{Mistake, World, planted};

use crate::tables::Texts;
use crate::{Change, Expect, NewJob, Once, Statement, Step, Value, params};

/// How many steps make a commit happen once, mostly; room for them is made beforehand.
const ONCE_STEPS: usize = 3;

/// What a step stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stands {
    /// A statement of a change.
    Statement { part: usize, statement: usize },
    /// A job, the n-th of all.
    Job(usize),
    /// What makes the commit happen once.
    Once,
    /// The port's own housekeeping.
    Own,
}

/// The steps of a commit.
pub(crate) struct Compiled {
    pub(crate) steps: Vec<Step>,
    pub(crate) stands: Vec<Stands>,
    /// The ids that were drawn for the jobs, in order.
    pub(crate) job_ids: Vec<i64>,
}

impl Compiled {
    fn push(&mut self, text: &'static str, params: Vec<Value>, expect: Expect, stands: Stands) {
        self.steps.push(Step { text, params, expect });
        self.stands.push(stands);
    }

    fn statements(&mut self, part: usize, mut statements: Vec<Statement>) {
        for are_guards in [true, false] {
            let these = statements.iter_mut().enumerate().filter(|(_, one)| (one.expect != Expect::Any) == are_guards);
            for (place, Statement { text, params, expect }) in these {
                self.push(text, std::mem::take(params), *expect, Stands::Statement { part, statement: place });
            }
        }
    }

    fn job(&mut self, texts: &Texts, job: NewJob, id: i64) {
        let (lease, wake, attempts) = match job.lease {
            Some((lease, until)) => (lease, until, 1),
            None => (0, job.due, 0),
        };
        let params = params![id, job.kind, job.key, job.due, wake, job.deadline, attempts, lease, job.body, job.correlation];
        self.push(texts.job_put, params, Expect::Any, Stands::Job(self.job_ids.len()));
        self.job_ids.push(id);
    }

    fn once(&mut self, texts: &Texts, once: Once, answer: Vec<u8>, world: &World) {
        match once {
            Once::Request { key, fingerprint, at } => {
                let id = world.next_id::<base::id::EventId>();
                self.push(texts.answer_put, params![id, key, fingerprint, answer, at], Expect::Rows(1), Stands::Once);
            }
            Once::Heard(heard) => {
                let source = heard.source;
                if heard.from == 0 {
                    self.push(texts.cursor_begin, params![&source, heard.upto], Expect::Rows(1), Stands::Once);
                } else {
                    self.push(texts.cursor_move, params![&source, heard.from, heard.upto], Expect::Rows(1), Stands::Once);
                }
                let kept = if planted(Mistake::AheadNotRecorded) { Vec::new() } else { heard.ahead };
                for seq in kept {
                    self.push(texts.ahead_put, params![&source, seq], Expect::Rows(1), Stands::Once);
                }
                if heard.upto > heard.from {
                    self.push(texts.ahead_drop, params![&source, heard.upto], Expect::Rows(heard.known), Stands::Once);
                }
            }
            Once::Job { id, lease } => {
                self.push(texts.job_use, params![id, lease], Expect::Rows(1), Stands::Once);
            }
            Once::Jobs(used) => {
                for (id, lease) in used {
                    self.push(texts.job_use, params![id, lease], Expect::Rows(1), Stands::Once);
                }
            }
            Once::Nothing => {}
        }
    }
}

/// Orders the steps: of each change its guards and its writes, then cancels and jobs, and last what makes it happen once.
///
/// A job that is used up goes before the new ones, because a job may leave a successor of its own kind and key.
pub(crate) fn compile(texts: &Texts, once: Once, changes: &mut [Change], world: &World) -> Compiled {
    let count = |change: &Change| change.statements.len() + change.cancels.len() + change.jobs.len();
    let steps = changes.iter().map(count).sum::<usize>() + ONCE_STEPS;
    let mut compiled = Compiled { steps: Vec::with_capacity(steps), stands: Vec::with_capacity(steps), job_ids: Vec::new() };
    let mut answer = None;
    for (part, change) in changes.iter_mut().enumerate() {
        compiled.statements(part, std::mem::take(&mut change.statements));
        answer = change.answer.take().or(answer);
    }
    let answer = answer.unwrap_or_default();
    let mut once = Some(once);
    if matches!(once, Some(Once::Job { .. } | Once::Jobs(_))) {
        compiled.once(texts, once.take().expect("it was just seen"), Vec::new(), world);
    }
    for change in changes.iter_mut() {
        for (kind, key) in std::mem::take(&mut change.cancels) {
            compiled.push(texts.job_cancel, params![kind, key], Expect::Any, Stands::Own);
        }
        for job in std::mem::take(&mut change.jobs) {
            let id = world.next_id::<base::id::EventId>().0;
            compiled.job(texts, job, id);
        }
    }
    if let Some(once) = once {
        compiled.once(texts, once, answer, world);
    }
    compiled
}
