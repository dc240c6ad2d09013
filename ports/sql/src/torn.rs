//! How a store goes wrong that does in two commits what belongs into one: mistakes that the simulator must find.

use base::{Fault, Mistake};

use crate::store::Ended;
use crate::{Change, Once, Store};

/// Gives the mistake that this process commits with such a commit.
pub(crate) fn planted(once: &Once) -> Option<Mistake> {
    let mistakes: &[Mistake] = match once {
        Once::Heard(_) => {
            &[Mistake::CursorMovedApart, Mistake::CursorMovedFirst, Mistake::EventsSaidApart, Mistake::EventSaidTwice]
        }
        Once::Request { .. } => &[Mistake::AnswerKeptApart, Mistake::EventsSaidApart, Mistake::EventSaidTwice],
        _ => &[Mistake::EventsSaidApart, Mistake::EventSaidTwice],
    };
    mistakes.iter().copied().find(|mistake| base::planted(*mistake))
}

impl Store {
    /// Commits in two parts, of which the second may not come.
    pub(crate) async fn commit_torn(&self, mistake: Mistake, once: Once, mut changes: Vec<Change>) -> Result<Ended, Fault> {
        let rest = match mistake {
            Mistake::EventsSaidApart | Mistake::EventSaidTwice => {
                let said = changes.iter_mut().flat_map(|change| match mistake {
                    Mistake::EventsSaidApart => std::mem::take(&mut change.events),
                    _ => change.events.clone(),
                });
                Change { events: said.collect(), ..Change::default() }
            }
            _ => Change { answer: changes.iter_mut().find_map(|change| change.answer.take()), ..Change::default() },
        };
        let (first, then) = match mistake {
            Mistake::CursorMovedApart | Mistake::AnswerKeptApart => ((Once::Nothing, changes), (once, vec![rest])),
            Mistake::CursorMovedFirst => ((once, vec![rest]), (Once::Nothing, changes)),
            _ => ((once, changes), (Once::Nothing, vec![rest])),
        };
        let ended = self.commit_whole(first.0, first.1).await?;
        match (&ended, mistake) {
            (Ended::Unknown, Mistake::EventSaidTwice) => drop(self.commit_whole(then.0, then.1).await),
            (_, Mistake::EventSaidTwice) => {}
            (Ended::Done { .. }, Mistake::EventsSaidApart) => drop(self.commit_whole(then.0, then.1).await),
            (Ended::Done { .. }, _) => return self.commit_whole(then.0, then.1).await,
            _ => {}
        }
        Ok(ended)
    }
}
