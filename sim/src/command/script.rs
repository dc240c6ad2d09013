//! The words of the command line, and how a world is written in them.

use std::time::Duration;

use clap::Parser;

use crate::run::Script;
use crate::weather::Trouble;

/// How many customers come unless somebody says otherwise.
const CUSTOMERS: u64 = 50;

/// Lives worlds by their seeds, and tells the story of those that break a promise. The exit status is 0 when all promises
/// were kept, 1 when one was broken, 2 when the command is wrong.
#[derive(Debug, Clone, Parser)]
#[command(name = "sim")]
pub struct Cli {
    /// One world.
    #[arg(long, conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Worlds from one seed up to another, without that: `1..100`.
    #[arg(long)]
    pub seeds: Option<String>,
    /// As many worlds as there is time for: `90s`, `10m`, `8h`; without seeds, from one on that is printed.
    #[arg(long = "for", value_parser = duration, conflicts_with = "seed")]
    pub time: Option<Duration>,
    /// Leaves out the worlds of the graveyard, which are lived before others.
    #[arg(long, conflicts_with_all = ["seed", "mistake"])]
    pub fresh: bool,
    /// Tells the story of this order of the world.
    #[arg(long, requires = "seed")]
    pub order: Option<String>,
    /// Writes the story of the world as a page.
    #[arg(long, requires = "seed")]
    pub html: Option<std::path::PathBuf>,
    /// Leaves a world that breaks a promise as large as it is.
    #[arg(long)]
    pub whole: bool,
    /// Adds worlds that break a promise to the graveyard, as small as they became.
    #[arg(long)]
    pub bury: bool,
    /// In how many processes; as many as there are cores unless it says.
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Lives a share of worlds and writes sums: how the command starts its own workers.
    #[arg(long, hide = true, requires = "seeds")]
    pub share: Option<String>,
    /// How many customers come to each world.
    #[arg(long, default_value_t = CUSTOMERS)]
    pub customers: u64,
    /// Troubles that must not strike, by name.
    #[arg(long, value_delimiter = ',', value_parser = trouble)]
    pub spare: Vec<Trouble>,
    /// Within which time all customers come; else the seed says.
    #[arg(long, value_parser = duration)]
    pub span: Option<Duration>,
    /// A planted mistake that the platform commits: worlds are lived until a checker has seen it.
    #[arg(long)]
    pub mistake: Option<String>,
    /// Lists the planted mistakes.
    #[arg(long)]
    pub mistakes: bool,
    /// Only customers come: no staff who restock, break stations or pause services.
    #[arg(long)]
    pub alone: bool,
    /// The whole platform is in one process, whatever the seed says.
    #[arg(long)]
    pub together: bool,
}

impl Cli {
    /// Makes the script of a seed.
    pub fn script(&self, seed: u64) -> Script {
        let Cli { customers, spare, span, alone, together, .. } = self;
        Script { seed, customers: *customers, spared: spare.clone(), span: *span, alone: *alone, together: *together }
    }

    /// Reads the range of seeds, if there is one.
    pub fn range(&self) -> Result<Option<(u64, u64)>, String> {
        let Some(range) = &self.seeds else { return Ok(None) };
        match range.split_once("..").map(|(first, end)| (first.parse(), end.parse())) {
            Some((Ok(first), Ok(end))) if end > first => Ok(Some((first, end))),
            _ => Err(format!("`--seeds` is a range such as 1..100, not {range}")),
        }
    }
}

/// Writes the command that lives a world again.
pub fn command(script: &Script) -> String {
    let options = options(script);
    format!("cargo sim --seed {}{}{options}", script.seed, if options.is_empty() { "" } else { " " })
}

/// Writes what of a world is not left to its seed.
pub fn options(script: &Script) -> String {
    let mut words = Vec::new();
    if script.customers != CUSTOMERS {
        words.push(format!("--customers {}", script.customers));
    }
    if !script.spared.is_empty() {
        let names: Vec<String> = script.spared.iter().map(|trouble| trouble.name()).collect();
        words.push(format!("--spare {}", names.join(",")));
    }
    if let Some(span) = script.span {
        words.push(format!("--span {}s", span.as_secs()));
    }
    if script.alone {
        words.push("--alone".to_owned());
    }
    if script.together {
        words.push("--together".to_owned());
    }
    words.join(" ")
}

fn trouble(name: &str) -> Result<Trouble, String> {
    let names = || Trouble::ALL.map(Trouble::name).join(", ");
    Trouble::of(name).ok_or_else(|| format!("there is no such trouble; there are {}", names()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.len() - usize::from(text.ends_with(['s', 'm', 'h'])));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err("a time has a unit: 90s, 10m, 8h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "a time is a whole number and a unit: 90s, 10m, 8h".to_owned())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "nobody has so much time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_written_as_the_command_that_lives_it_again() {
        let script = Script {
            spared: vec![Trouble::PowerCut, Trouble::Freeze],
            span: Some(Duration::from_secs(70)),
            alone: true,
            together: true,
            ..Script::of(9, 7)
        };
        let command = command(&script);
        let read = Cli::try_parse_from(command.split(' ').skip(1)).unwrap().script(9);
        assert_eq!(read, script, "{command}");
        assert_eq!(options(&Script::of(9, CUSTOMERS)), "");
    }

    #[test]
    fn a_time_has_a_unit_and_what_is_no_time_is_refused() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("8h"), Ok(Duration::from_secs(28_800)));
        for wrong in ["", "m", "1.5m", "10", "-3s", "ä"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(Cli::try_parse_from(["sim", "--spare", "Rain"]).is_err());
        assert!(Cli::try_parse_from(["sim", "--seed", "1", "--for", "3m"]).is_err());
    }
}
