//! The story of a world: what was said, heard, committed and lost, in its order, with node and time.
//!
//! Nothing is noted unless somebody asked for it. To note costs no chance and no time of the world, so that a world whose
//! story is told is step by step the one that was lived without.

pub mod calls;
pub mod entry;
pub mod html;
pub mod order;
pub mod text;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::kernel::NodeId;

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Something is sent: a request, a call, a charge.
    Asked,
    /// What came back for it.
    Answered,
    /// A commit, or what became of it.
    Commit,
    /// Something happened to a machine.
    Machine,
    /// A trouble struck.
    Struck,
}

impl Kind {
    /// Names it in the page.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Asked => "asked",
            Kind::Answered => "answered",
            Kind::Commit => "commit",
            Kind::Machine => "machine",
            Kind::Struck => "struck",
        }
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Note {
    /// When, by the world's own time.
    pub at: Duration,
    /// The step of the world.
    pub step: u64,
    /// Where.
    pub node: NodeId,
    /// What kind of thing.
    pub kind: Kind,
    /// Who did it: a service, `client`, `provider`, `machine`.
    pub who: String,
    /// To whom it went, for what is sent.
    pub to: Option<String>,
    /// For what came back: the note of what was sent.
    pub answers: Option<usize>,
    /// In words.
    pub text: String,
    /// Whether something was lost, refused or broken.
    pub bad: bool,
    /// Names by which it can be tied to an order: shown ids, correlations.
    pub words: Vec<String>,
    /// Numbers by which it can be tied to an order.
    pub ids: Vec<i64>,
    /// The events said: name, key and correlation.
    pub said: Vec<(&'static str, i64, String)>,
}

impl Note {
    /// Begins a note; when and where is filled in as it is told.
    pub fn new(kind: Kind, who: impl Into<String>, text: impl Into<String>) -> Note {
        Note {
            at: Duration::ZERO,
            step: 0,
            node: NodeId::MAX,
            kind,
            who: who.into(),
            to: None,
            answers: None,
            text: text.into(),
            bad: false,
            words: Vec::new(),
            ids: Vec::new(),
            said: Vec::new(),
        }
    }

    /// Says to whom.
    #[must_use]
    pub fn to(mut self, whom: impl Into<String>) -> Note {
        self.to = Some(whom.into());
        self
    }

    /// Says where, if it is not where the step runs that tells it.
    #[must_use]
    pub fn on(mut self, node: NodeId) -> Note {
        self.node = node;
        self
    }

    /// Says what it answers.
    #[must_use]
    pub fn answering(mut self, asked: usize) -> Note {
        self.answers = Some(asked);
        self
    }

    /// Marks it as something gone wrong, or not.
    #[must_use]
    pub fn bad(mut self, bad: bool) -> Note {
        self.bad = bad;
        self
    }

    /// Adds names by which it can be tied to an order.
    #[must_use]
    pub fn about(mut self, words: impl IntoIterator<Item = String>) -> Note {
        self.words.extend(words);
        self
    }
}

/// Takes notes. Clones share everything.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Note>>>);

impl Recorder {
    fn notes(&self) -> MutexGuard<'_, Vec<Note>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a note and gives its number. An answer goes the way of its question back, unless it says otherwise.
    pub fn add(&self, mut note: Note) -> usize {
        let mut notes = self.notes();
        if let Some(asked) = note.answers.and_then(|asked| notes.get(asked)).filter(|_| note.to.is_none()) {
            (note.who, note.to) = (asked.to.clone().unwrap_or_default(), Some(asked.who.clone()));
        }
        notes.push(note);
        notes.len() - 1
    }

    /// Gives all that was noted.
    pub fn told(&self) -> Vec<Note> {
        std::mem::take(&mut self.notes())
    }
}
