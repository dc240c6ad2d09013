//! The lessons of the guide, run as they are written: each command in its terminal, each output compared with what is shown.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use crate::platform::{Folder, comanda};

const GUIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide");
/// How long one step of a lesson may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What each terminal is prepared with, and a folder of the lesson's own; here the binary is built already.
const PREPARE: &str = "cargo build --release\nexport PATH=$PWD/target/release:$PATH\nmkdir -p lesson-";
/// What a reader's machine listens on, in the lessons.
const PORTS: [&str; 2] = ["8080", "8090"];

#[test]
fn s3_l01_the_lesson_on_microservices_runs_as_it_is_written() {
    Lesson::read("lesson-1-microservices").run();
}

#[test]
fn s3_l02_s4_p06_s4_p08_s4_c07_the_lesson_on_events_runs_as_it_is_written() {
    Lesson::read("lesson-2-events").run();
}

#[test]
fn s3_l03_s1_o02_s1_a07_the_lesson_on_cqrs_runs_as_it_is_written() {
    Lesson::read("lesson-3-cqrs").run();
}

/// A fenced block: what it is (`sh`, `text`, `keys`), whose terminal, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Block {
    kind: String,
    terminal: String,
    text: String,
    line: usize,
}

struct Lesson {
    name: String,
    blocks: Vec<Block>,
}

impl Lesson {
    /// Reads a lesson and its Russian version, which must show the same commands and outputs and lead to files that exist.
    fn read(name: &str) -> Lesson {
        let english = blocks(&page(&format!("{name}.md")));
        let russian = page(&format!("{name}.ru.md"));
        let texts = |blocks: &[Block]| blocks.iter().map(|block| block.text.clone()).collect::<Vec<_>>();
        assert_eq!(texts(&english), texts(&blocks(&russian)), "{name}: both versions show the same");
        let cyrillic = russian.chars().filter(|letter| ('а'..='я').contains(letter)).count();
        assert!(cyrillic > 1_500, "{name}.ru.md is in Russian");
        Lesson { name: name.to_owned(), blocks: english }
    }

    fn run(self) {
        let folder = Folder::new();
        let house = House::new(folder.path());
        let mut terminals: BTreeMap<String, Terminal> = BTreeMap::new();
        let mut steps = self.blocks.iter().peekable();
        let mut shown = 0;
        while let Some(step) = steps.next() {
            let place = format!("{}:{}", self.name, step.line);
            if step.terminal == "prepare" {
                assert!(step.text.starts_with(PREPARE) && step.text.lines().count() == 3, "{place}");
                continue;
            }
            let terminal = terminals.entry(step.terminal.clone()).or_insert_with(|| Terminal::open(&house));
            let text = house.here(&step.text);
            match step.kind.as_str() {
                "sh" => terminal.enter(&text),
                "keys" => terminal.interrupt(&place),
                "text" => {
                    shown += 1;
                    let own = step.terminal.is_empty();
                    terminal.shows(&text, own, &place);
                }
                kind => panic!("{place}: what is a block of `{kind}`?"),
            }
            // Commands without an output that is shown are waited for; what runs on in other terminals is not.
            let answered = steps.peek().is_some_and(|next| next.kind == "text" && next.terminal == step.terminal);
            if step.kind == "sh" && step.terminal.is_empty() && !answered {
                terminal.shows("", true, &place);
            }
        }
        assert!(shown > 5, "{}: {shown} outputs are shown", self.name);
    }
}

fn page(name: &str) -> String {
    let path = Path::new(GUIDE).join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(link.starts_with("http") || Path::new(GUIDE).join(link).exists(), "{name} leads to {link}, which is not there");
    }
    text
}

fn blocks(text: &str) -> Vec<Block> {
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (line, row) in text.lines().enumerate() {
        match (&mut open, row.strip_prefix("```")) {
            (None, Some(info)) => {
                let (kind, rest) = info.split_once(' ').unwrap_or((info, ""));
                let terminal = rest.strip_prefix("terminal=").unwrap_or(rest).to_owned();
                open = Some(Block { kind: kind.to_owned(), terminal, text: String::new(), line: line + 2 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.extend([row, "\n"]),
            (None, None) => {}
        }
    }
    blocks
}

/// Where a lesson is run: an empty folder, ports that are free here, and `comanda` on the path.
struct House {
    folder: PathBuf,
    ports: [u16; 2],
}

impl House {
    fn new(folder: &Path) -> House {
        let free = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
        let house = House { folder: folder.to_owned(), ports: free.map(|listener| listener.local_addr().unwrap().port()) };
        let bin = folder.join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::create_dir_all(folder.join("lesson")).unwrap();
        symlink(comanda().get_program(), bin.join("the-binary")).unwrap();
        // A reader has the usual ports; here tests run side by side.
        let [door, provider] = house.ports;
        let script = format!(
            "#!/bin/sh\nbinary=$(dirname \"$0\")/the-binary\ncase $1 in\n\
             up) exec $binary \"$@\" --listen 127.0.0.1:{door} ;;\n\
             provider-mock) exec $binary \"$@\" --listen 127.0.0.1:{provider} ;;\n\
             audit) exec $binary \"$@\" ;;\n\
             *) exec $binary \"$@\" --url http://127.0.0.1:{door} ;;\nesac\n"
        );
        fs::write(bin.join("comanda"), script).unwrap();
        fs::set_permissions(bin.join("comanda"), fs::Permissions::from_mode(0o755)).unwrap();
        house
    }

    /// Puts the ports of here in the place of the usual ones.
    fn here(&self, text: &str) -> String {
        PORTS.iter().zip(self.ports).fold(text.to_owned(), |text, (usual, here)| {
            text.replace(&format!("localhost:{usual}"), &format!("127.0.0.1:{here}"))
                .replace(&format!("127.0.0.1:{usual}"), &format!("127.0.0.1:{here}"))
        })
    }
}

/// Ends each thing that is entered, so that its end can be seen.
const END: &str = "__the_end_of_a_step__";

/// A terminal with a shell in it.
struct Terminal {
    shell: Child,
    keyboard: ChildStdin,
    screen: Receiver<String>,
    /// What was printed and not compared yet.
    printed: Vec<String>,
}

impl Terminal {
    fn open(house: &House) -> Terminal {
        let path = format!("{}:{}", house.folder.join("bin").display(), std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]).env("PATH", path).current_dir(house.folder.join("lesson"));
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (send, screen) = channel();
        let output = BufReader::new(shell.stdout.take().unwrap());
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        let mut keyboard = shell.stdin.take().unwrap();
        keyboard.write_all(b"exec 2>&1\n").unwrap();
        Terminal { shell, keyboard, screen, printed: Vec::new() }
    }

    fn enter(&mut self, commands: &str) {
        self.keyboard.write_all(format!("{commands}\necho; echo {END}\n").as_bytes()).unwrap();
    }

    /// Waits for an output: all of it up to the end of the step (`whole`), or as much as is shown of what runs on.
    fn shows(&mut self, wanted: &str, whole: bool, place: &str) {
        let wanted: Vec<&str> = wanted.lines().collect();
        let until = Instant::now() + PATIENCE;
        loop {
            let end = self.printed.iter().position(|line| line == END);
            if whole {
                if let Some(end) = end {
                    let step: Vec<String> = self.printed.drain(..=end).filter(|line| !line.is_empty() && line != END).collect();
                    assert_eq!(matched(&wanted, &step), Some(step.len()), "{place} shows\n{wanted:#?}\nbut there was\n{step:#?}");
                    return;
                }
            } else {
                self.printed.retain(|line| !line.is_empty() && line != END);
                if let Some(count) = matched(&wanted, &self.printed) {
                    self.printed.drain(..count);
                    return;
                }
            }
            match self.screen.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => self.printed.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("{place} shows\n{wanted:#?}\nbut there is\n{:#?}", self.printed),
                Err(RecvTimeoutError::Disconnected) => panic!("{place}: the shell has ended; there is\n{:#?}", self.printed),
            }
        }
    }

    /// Interrupts what runs here, as Ctrl-C does, and waits until the shell is ready again.
    fn interrupt(&mut self, place: &str) {
        for child in children(self.shell.id()) {
            Command::new("kill").args(["-INT", &child]).status().unwrap();
        }
        self.printed.clear();
        let until = Instant::now() + PATIENCE;
        while !self.printed.iter().any(|line| line == END) {
            let line = self.screen.recv_timeout(until.saturating_duration_since(Instant::now()));
            self.printed.push(line.unwrap_or_else(|error| panic!("{place}: Ctrl-C did not end it: {error}")));
        }
        self.printed.clear();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        for child in children(self.shell.id()) {
            let _ = Command::new("kill").args(["-KILL", &child]).status();
        }
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<String> {
    let parent = parent.to_string();
    let of_parent = |process: &PathBuf| {
        let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)).is_some_and(|found| found == parent)
    };
    let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes.filter(of_parent).map(|process| process.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

/// How many of the lines the shown ones account for, if they fit: `…` stands for any text, alone on its line for any lines.
fn matched(shown: &[&str], lines: &[String]) -> Option<usize> {
    match shown.split_first() {
        None => Some(0),
        Some((&"…", rest)) => (0..=lines.len()).find_map(|skipped| Some(skipped + matched(rest, &lines[skipped..])?)),
        Some((line, rest)) => {
            let found = lines.first()?;
            fits(line, found).then(|| matched(rest, &lines[1..]).map(|count| count + 1))?
        }
    }
}

fn fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let Some(mut rest) = parts.next().and_then(|first| line.strip_prefix(first)) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn an_output_that_differs_is_seen() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(fits("a …b… c", "a 1b2 c") && !fits("a …b… c", "a 12 c") && !fits("a", "a b") && fits("…", ""));
    assert_eq!(matched(&["a", "…", "d"], &lines("a\nb\nc\nd\ne")), Some(4));
    assert_eq!(matched(&["a", "d"], &lines("a\nb\nd")), None);
    assert_eq!(matched(&[], &lines("a")), Some(0));
    let read = blocks("x\n```sh terminal=events\nls\n```\n```text\na\nb\n```\n");
    assert_eq!((read[0].terminal.as_str(), read[0].text.as_str(), read[0].line), ("events", "ls\n", 3));
    assert_eq!((read[1].kind.as_str(), read[1].text.as_str()), ("text", "a\nb\n"));
}
