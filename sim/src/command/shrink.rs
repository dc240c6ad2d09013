//! Makes a world that breaks a promise smaller, for as long as it breaks the same one.

use std::time::{Duration, Instant};

use crate::run::{Ended, Ground, Script};

/// How many worlds are tried, and for how long.
const TRIES_MAX: u32 = 60;
const TIME_MAX: Duration = Duration::from_secs(60);
/// No world is shorter.
const SPAN_MIN: Duration = Duration::from_secs(5);

/// The smallest world that was found.
pub struct Shrunk {
    /// From what it is made.
    pub script: Script,
    /// How it ended.
    pub ended: Ended,
    /// How many were tried.
    pub tries: u32,
}

/// Names the promise that something wrong breaks: its first word that reads as a name.
pub fn promise(wrong: &str) -> String {
    const AUDITED: &str = "promise: ";
    let from = wrong.find(AUDITED).map_or(0, |at| at + AUDITED.len());
    wrong[from..].chars().take_while(|letter| letter.is_alphabetic() || *letter == ' ').collect()
}

/// Looks for the smallest world that still breaks one of the same promises.
pub fn smallest(ground: &Ground, script: &Script, ended: &Ended) -> Shrunk {
    let broken: Vec<String> = ended.wrong.iter().map(|wrong| promise(wrong)).collect();
    let begun = Instant::now();
    shrunk(script, ended, TRIES_MAX, |script| {
        (begun.elapsed() < TIME_MAX).then(|| ground.live(script)).filter(|ended| {
            let mut promises = ended.wrong.iter().map(|wrong| promise(wrong));
            promises.any(|promise| broken.contains(&promise))
        })
    })
}

/// Tries smaller worlds: `fails` lives one and gives its end if it is still broken.
fn shrunk(script: &Script, ended: &Ended, tries_max: u32, mut fails: impl FnMut(&Script) -> Option<Ended>) -> Shrunk {
    let mut best = Shrunk { script: script.clone(), ended: ended.clone(), tries: 1 };
    loop {
        let Some((script, ended)) = smaller(&best).into_iter().find_map(|script| {
            if best.tries >= tries_max {
                return None;
            }
            best.tries += 1;
            fails(&script).map(|ended| (script, ended))
        }) else {
            return best;
        };
        (best.script, best.ended) = (script, ended);
    }
}

/// Gives the worlds that are one step smaller, those that save most first.
fn smaller(best: &Shrunk) -> Vec<Script> {
    let Shrunk { script, ended, .. } = best;
    let mut worlds = Vec::new();
    // Half of the customers, a quarter less, one less.
    for fewer in [script.customers / 2, script.customers / 4, 1] {
        let customers = script.customers - fewer;
        if customers > 0 && fewer > 0 && !worlds.iter().any(|world: &Script| world.customers == customers) {
            worlds.push(Script { customers, ..script.clone() });
        }
    }
    if !script.together {
        worlds.push(Script { together: true, ..script.clone() });
    }
    if !script.alone {
        worlds.push(Script { alone: true, ..script.clone() });
    }
    let spare = |troubles: &[_]| {
        let mut spared = script.spared.clone();
        spared.extend_from_slice(troubles);
        spared.sort_unstable();
        Script { spared, ..script.clone() }
    };
    // Half of the troubles, then one after another.
    let troubles = &ended.troubles;
    if troubles.len() > 2 {
        let (left, right) = troubles.split_at(troubles.len() / 2);
        worlds.extend([spare(left), spare(right)]);
    }
    worlds.extend(troubles.iter().map(|trouble| spare(&[*trouble])));
    let span = script.span.unwrap_or(ended.span);
    if span / 2 >= SPAN_MIN {
        worlds.push(Script { span: Some(Duration::from_secs((span / 2).as_secs())), ..script.clone() });
    }
    worlds
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weather::Trouble;

    fn world(script: &Script) -> Ended {
        let on = [Trouble::CommitFails, Trouble::DoubtDone, Trouble::Freeze, Trouble::PowerCut, Trouble::MailFails];
        let troubles = on.into_iter().filter(|trouble| !script.spared.contains(trouble)).collect();
        Ended { troubles, span: Duration::from_secs(400), ..Ended::default() }
    }

    #[test]
    fn a_world_loses_all_that_its_failure_does_not_need() {
        let whole = Script::of(3, 50);
        let needs = |script: &Script| {
            let ended = world(script);
            (script.customers >= 3 && ended.troubles.contains(&Trouble::DoubtDone) && !script.alone).then_some(ended)
        };
        let found = shrunk(&whole, &world(&whole), 1_000, needs);
        assert_eq!(found.script.customers, 3);
        assert_eq!(found.ended.troubles, [Trouble::DoubtDone]);
        assert!(found.script.together && !found.script.alone);
        assert!(found.script.span.unwrap() < Duration::from_secs(2 * SPAN_MIN.as_secs()));
        let hurried = shrunk(&whole, &world(&whole), 5, needs);
        assert_eq!(hurried.tries, 5);
    }

    #[test]
    fn promises_are_read_off_what_is_wrong() {
        assert_eq!(promise("MoneyIsConserved: the provider keeps 3"), "MoneyIsConserved");
        assert_eq!(promise("Violation { promise: EveryOrderEnds, code: \"late\" }"), "EveryOrderEnds");
        assert_eq!(promise("a task panicked: no words"), "a task panicked");
    }
}
