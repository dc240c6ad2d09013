//! Problems: everything that is wrong with a file, each with its code, its line and a way out.

use std::collections::BTreeSet;
use std::fmt;

use crate::source::{Place, Span, place};

/// What is wrong; the code is what tests, documents and search engines know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The text is not TOML.
    Syntax,
    /// A key is written twice in one table.
    DuplicateKey,
    /// A key that means nothing here.
    UnknownKey,
    /// A key that must be there is not.
    MissingKey,
    /// A value of another type than the key takes.
    WrongType,
    /// A name that could not be used as table prefix, topic, metric label or Kubernetes name.
    BadName,
    /// A duration that is not a whole number and one unit.
    BadDuration,
    /// A number below or above what is allowed.
    OutOfRange,
    /// A word that is not one of the few that are possible.
    UnknownValue,
    /// A list that says the same twice.
    DuplicateEntry,
    /// A service that is not declared.
    UnknownService,
    /// A topic that is not declared.
    UnknownTopic,
    /// An event is heard that nobody says.
    UndeclaredEvent,
    /// An event is said that nobody hears; only a warning.
    UnheardEvent,
    /// Two say the same event, so nobody owns it.
    DuplicateOwnerOfEvent,
    /// Services that wait for each other in a circle.
    CycleInNeeds,
    /// A service without a state of record says or hears events, which are fields of a commit.
    StoreRequired,
    /// A saga names an event that nobody says.
    SagaEventUnknown,
    /// A step says an event that belongs to another service.
    SagaEventNotSaid,
    /// A step hears an event that its service does not.
    SagaEventNotHeard,
    /// A step, or the end of the saga, waits for an event that no step says.
    SagaEventFromNowhere,
    /// No event ends the saga.
    SagaWithoutEnd,
    /// A step undoes one that is not there.
    UnknownStep,
    /// Two steps of one saga have the same name.
    DuplicateStep,
    /// A step may take longer than the whole saga.
    DeadlineTooLong,
}

impl Code {
    /// The code as it is printed and documented.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Syntax => "syntax",
            Code::DuplicateKey => "duplicate_key",
            Code::UnknownKey => "unknown_key",
            Code::MissingKey => "missing_key",
            Code::WrongType => "wrong_type",
            Code::BadName => "bad_name",
            Code::BadDuration => "bad_duration",
            Code::OutOfRange => "out_of_range",
            Code::UnknownValue => "unknown_value",
            Code::DuplicateEntry => "duplicate_entry",
            Code::UnknownService => "unknown_service",
            Code::UnknownTopic => "unknown_topic",
            Code::UndeclaredEvent => "undeclared_event",
            Code::UnheardEvent => "unheard_event",
            Code::DuplicateOwnerOfEvent => "duplicate_owner_of_event",
            Code::CycleInNeeds => "cycle_in_needs",
            Code::StoreRequired => "store_required",
            Code::SagaEventUnknown => "saga_event_unknown",
            Code::SagaEventNotSaid => "saga_event_not_said",
            Code::SagaEventNotHeard => "saga_event_not_heard",
            Code::SagaEventFromNowhere => "saga_event_from_nowhere",
            Code::SagaWithoutEnd => "saga_without_end",
            Code::UnknownStep => "unknown_step",
            Code::DuplicateStep => "duplicate_step",
            Code::DeadlineTooLong => "deadline_too_long",
        }
    }

    /// Whether a file with this problem can still be used.
    pub fn is_warning(self) -> bool {
        self == Code::UnheardEvent
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// Counted in characters from 1.
    pub column: usize,
    /// What kind of problem it is.
    pub code: Code,
    /// What is wrong, as one sentence without a full stop.
    pub message: String,
    /// What to do about it, shown after the caret; a `did you mean` or a rule.
    pub help: Option<String>,
    /// The line of the file.
    pub source_line: String,
    /// How many characters from `column` on are meant, at least 1.
    pub width: usize,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.code.is_warning() { "warning" } else { "error" };
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let lead = " ".repeat(self.column - 1);
        let caret = "^".repeat(self.width);
        writeln!(f, "{severity}[{}]: {}", self.code, self.message)?;
        writeln!(f, "{gutter}--> topology.toml:{}:{}", self.line, self.column)?;
        writeln!(f, "{number} | {}", self.source_line)?;
        write!(f, "{gutter} | {lead}{caret}")?;
        match &self.help {
            Some(help) => write!(f, " {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a file, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.render())]
pub struct Report {
    problems: Vec<Problem>,
}

impl Report {
    /// All problems, warnings included.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether a problem of this kind was found.
    pub fn has(&self, code: Code) -> bool {
        self.problems.iter().any(|problem| problem.code == code)
    }

    fn render(&self) -> String {
        let shown: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        let warnings = self.problems.iter().filter(|problem| problem.code.is_warning()).count();
        let errors = counted(self.problems.len() - warnings, "error");
        let total = match warnings {
            0 => errors,
            _ => format!("{errors}, {}", counted(warnings, "warning")),
        };
        format!("{}\n\ntopology.toml: {total}", shown.join("\n\n"))
    }
}

fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Collects problems while a text is read.
pub(crate) struct Problems<'a> {
    source: &'a str,
    found: Vec<Problem>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(source: &'a str) -> Self {
        Problems { source, found: Vec::new() }
    }

    pub(crate) fn add(&mut self, code: Code, span: &Span, message: String) {
        self.push(code, span, message, None);
    }

    pub(crate) fn add_with_help(&mut self, code: Code, span: &Span, message: String, help: impl Into<String>) {
        self.push(code, span, message, Some(help.into()));
    }

    /// Adds a problem about a word for which another was probably meant.
    pub(crate) fn add_meant<'b>(
        &mut self,
        code: Code,
        span: &Span,
        message: String,
        word: &str,
        candidates: impl IntoIterator<Item = &'b str>,
    ) {
        let help = crate::suggest::nearest(word, candidates).map(|meant| format!("did you mean `{meant}`?"));
        self.push(code, span, message, help);
    }

    fn push(&mut self, code: Code, span: &Span, message: String, help: Option<String>) {
        let Place { line, column, width, text } = place(self.source, span);
        self.found.push(Problem { line, column, code, message, help, source_line: text, width });
    }

    /// Forgets what only follows from text that could not be read: a line that is broken, and keys that it held.
    pub(crate) fn forget_echoes_of_syntax(&mut self) {
        let broken: BTreeSet<usize> =
            self.found.iter().filter(|problem| problem.code == Code::Syntax).map(|problem| problem.line).collect();
        self.found.sort();
        let mut told = BTreeSet::new();
        self.found.retain(|problem| match problem.code {
            Code::Syntax => told.insert(problem.line),
            Code::MissingKey => broken.is_empty(),
            _ => !broken.contains(&problem.line),
        });
    }

    pub(crate) fn has(&self, code: Code) -> bool {
        self.found.iter().any(|problem| problem.code == code)
    }

    /// The warnings, or the report when something is an error.
    pub(crate) fn finish(mut self) -> Result<Vec<Problem>, Report> {
        self.found.sort();
        if self.found.iter().all(|problem| problem.code.is_warning()) {
            return Ok(self.found);
        }
        Err(Report { problems: self.found })
    }
}
