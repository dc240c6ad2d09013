//! The pages that people read: in English and in Russian, and what they show is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::platform::{Folder, Platform, comanda};

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

/// Gives the pages of a folder by name.
fn pages(folder: &str) -> Vec<(String, String)> {
    let entries = fs::read_dir(docs().join(folder)).unwrap().flatten();
    let mut pages: Vec<(String, String)> = entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
        .filter(|(name, _)| name.ends_with(".md"))
        .collect();
    pages.sort();
    pages
}

/// Everything that tells people what to enter.
fn shown() -> Vec<(String, String)> {
    let readme = fs::read_to_string(docs().join("../README.md")).unwrap();
    [pages("guide"), vec![("README.md".to_owned(), readme)]].concat()
}

fn cyrillic(text: &str) -> usize {
    text.chars().filter(|letter| ('А'..='я').contains(letter)).count()
}

#[test]
fn every_page_is_in_english_and_in_russian() {
    for folder in ["guide", "problems"] {
        let pages = pages(folder);
        let mut read = 0;
        for (name, text) in &pages {
            // A long page has a file for each language, a short one both in one file.
            let other = match name.strip_suffix(".ru.md") {
                Some(name) => format!("{name}.md"),
                None => name.replace(".md", ".ru.md"),
            };
            let pair = pages.iter().find(|(found, _)| *found == other).map_or("", |(_, text)| text);
            let both = format!("{text}{pair}");
            let (russian, english) = (cyrillic(&both), both.chars().filter(char::is_ascii_alphabetic).count());
            assert!(
                russian > 40 && english > 40 && 4 * russian > english,
                "{name}: {russian} letters of Russian, {english} of English"
            );
            let titles: Vec<bool> = both.lines().filter(|line| line.starts_with('#')).map(|line| cyrillic(line) > 2).collect();
            assert!(titles.contains(&true) && titles.contains(&false), "{name} has a title in each language");
            read += 1;
        }
        assert!(read > 10, "{folder}: {read}");
    }
}

/// The commands of a page's blocks of `sh`, one a line.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for block in text.split("```sh").skip(1).filter_map(|rest| rest.split_once('\n')?.1.split("```").next()) {
        commands.extend(block.replace("\\\n", " ").lines().map(str::to_owned));
    }
    commands
}

#[test]
fn every_command_that_is_shown_exists_with_its_options() {
    let mut seen = BTreeSet::new();
    for (page, text) in shown() {
        for line in commands(&text) {
            let line = line.replace("cargo run --release -- ", "comanda ");
            for (at, _) in line.match_indices("comanda ") {
                if !(at == 0 || line[..at].ends_with(['(', ' '])) {
                    continue;
                }
                let ends = |word: &&str| !["|", "&", "#", ">", "2>>", ";"].contains(word);
                let words = line[at..].split_whitespace().skip(1).take_while(ends).map(|word| word.trim_end_matches([';', ')']));
                let words: Vec<&str> = words.collect();
                let mut path = vec![words[0]];
                if ["dlq", "lab"].contains(&words[0]) {
                    path.push(words[1]);
                }
                let help = comanda().args(&path).arg("--help").output().unwrap();
                assert!(help.status.success(), "{page}: there is no `comanda {}`", path.join(" "));
                let help = String::from_utf8(help.stdout).unwrap();
                for option in words.iter().filter(|word| word.starts_with("--")) {
                    assert!(
                        help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")),
                        "{page}: {line}: {option}"
                    );
                }
                seen.insert(path.join(" "));
            }
        }
    }
    for command in ["up", "provider-mock", "replay", "audit", "events", "dlq redrive", "pause", "resume", "lab orders"] {
        assert!(seen.contains(command), "{command} is shown nowhere: {seen:?}");
    }
}

#[test]
fn every_setting_that_is_shown_exists() {
    let folder = Folder::new();
    let refused = comanda().args(["up", "--set", "nonsense=1", "--data"]).arg(folder.path().join("data")).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    let known: BTreeSet<&str> = said.lines().filter_map(|line| line.strip_prefix("  ")?.split(':').next()).collect();
    assert!(known.len() > 10, "{said}");
    let mut seen = BTreeSet::new();
    for (page, text) in shown() {
        for setting in text.split("--set ").skip(1).filter_map(|rest| Some(rest.split_once('=')?.0)) {
            // `--set name=value` says how it is written.
            let is_form = ["name", "имя"].contains(&setting);
            assert!(is_form || known.contains(setting), "{page}: there is no setting {setting}");
        }
        // Tables of settings: the column that says so.
        let mut column = None;
        for line in text.lines() {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
            if !line.starts_with('|') {
                column = None;
            } else if let Some(found) = cells.iter().position(|cell| ["setting", "настройка"].contains(&cell.trim())) {
                column = Some(found);
            } else if let Some(cell) = column.and_then(|column| cells.get(column)) {
                for name in cell.split('`').skip(1).step_by(2) {
                    assert!(known.contains(name), "{page}: there is no setting {name}");
                    seen.insert(name.to_owned());
                }
            }
        }
    }
    assert!(seen.len() >= 8, "{seen:?}");
}

#[tokio::test]
async fn every_address_that_is_shown_leads_somewhere() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let document = platform.get("/openapi.json").await.json();
    let known: Vec<Vec<&str>> = document["paths"].as_object().unwrap().keys().map(|path| path.split('/').collect()).collect();
    // What the provider answers, at its own address.
    let provider = ["/v1/settings", "/v1/books", "/api/v1/payments/process"];
    let leads = |path: &str| {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |known: &Vec<&str>| {
            known.len() == parts.len() && known.iter().zip(&parts).all(|(known, part)| known == part || known.starts_with('{'))
        };
        known.iter().any(fits) || provider.contains(&path)
    };
    let mut seen = BTreeSet::new();
    for (page, text) in shown() {
        let is_part = |letter: char| letter.is_alphanumeric() || "/_-{}$.".contains(letter);
        for (at, _) in text.match_indices("/v1/") {
            let begins = if text[..at].ends_with("/api") { at - "/api".len() } else { at };
            let path: String = text[begins..].chars().take_while(|letter| is_part(*letter)).collect();
            let path = path.trim_end_matches(['.', '/']);
            assert!(leads(path), "{page}: {path} leads nowhere");
            seen.insert(path.to_owned());
        }
    }
    assert!(seen.len() > 25, "{seen:?}");
}
