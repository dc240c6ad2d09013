//! The graveyard: worlds that once broke a promise, each with a line on what it taught. They are lived first.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::script::{self, Cli};
use crate::run::Script;
use crate::weather::draws;

/// Where they lie, below the folder of this package.
const FILE: &str = "graveyard/worlds.tsv";

/// A world that broke a promise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grave {
    /// From what it is made.
    pub script: Script,
    /// How seeds were read when it was buried; another number now, and it is another world.
    pub draws: String,
    /// The promise that it broke.
    pub promise: String,
    /// What it taught.
    pub lesson: String,
}

impl Grave {
    /// Tells whether its seed still means the same weather.
    pub fn is_same_world(&self) -> bool {
        self.draws == draws()
    }
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)
}

/// Reads the graveyard.
pub fn read() -> Result<Vec<Grave>, String> {
    let text = std::fs::read_to_string(path()).map_err(|error| format!("{}: {error}", path().display()))?;
    parsed(&text)
}

fn parsed(text: &str) -> Result<Vec<Grave>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(number, line)| grave(line).map_err(|error| format!("{FILE}:{}: {error}", number + 1))).collect()
}

fn grave(line: &str) -> Result<Grave, String> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [seed, options, draws, promise, lesson] = cells.as_slice() else {
        return Err("a line is seed, options, draws, promise and lesson".to_owned());
    };
    let seed: u64 = seed.parse().map_err(|_| format!("{seed} is no seed"))?;
    let words = ["sim"].into_iter().chain(options.split_whitespace());
    let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
    let (draws, promise, lesson) = ((*draws).to_owned(), (*promise).to_owned(), (*lesson).to_owned());
    Ok(Grave { script: cli.script(seed), draws, promise, lesson })
}

/// Adds a world; what it taught is for whoever mends it to say.
pub fn bury(script: &Script, promise: &str) -> Result<(), String> {
    if read()?.iter().any(|grave| grave.script == *script) {
        return Ok(());
    }
    let failed = |error: std::io::Error| format!("{}: {error}", path().display());
    let mut file = std::fs::OpenOptions::new().append(true).open(path()).map_err(failed)?;
    file.write_all(written(script, promise).as_bytes()).map_err(failed)
}

fn written(script: &Script, promise: &str) -> String {
    format!("{}\t{}\t{}\t{promise}\t\n", script.seed, script::options(script), draws())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weather::Trouble;

    #[test]
    fn what_is_buried_is_dug_up_as_it_was() {
        let script = Script { spared: vec![Trouble::Freeze], alone: true, ..Script::of(17, 4) };
        let text = format!("# a comment\n\n{}", written(&script, "MoneyIsConserved"));
        let graves = parsed(&text).unwrap();
        assert_eq!(graves.len(), 1);
        assert_eq!(graves[0].script, script);
        assert_eq!((graves[0].promise.as_str(), graves[0].lesson.as_str()), ("MoneyIsConserved", ""));
        assert!(graves[0].is_same_world());
        for wrong in ["17", "x\t\t\t\t", "17\t--spare Rain\t\t\t"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
