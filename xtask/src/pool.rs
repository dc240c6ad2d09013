//! Programs that go on at once. What one says is shown in one piece, when it has ended.

use std::collections::VecDeque;
use std::io;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// A program to run.
pub struct Job<L> {
    /// How a person would call it.
    pub title: String,
    /// What runs it.
    pub command: Command,
    /// Where a copy of what it says goes.
    pub log: L,
}

/// Runs all jobs in their order, some of them at once, and gives each one's output to `keep`, with its log; `true` when all ended well.
/// Errors are told at the side as they come.
pub fn run<L: Send>(jobs: Vec<Job<L>>, at_once: usize, keep: impl Fn(&L, &[u8]) -> io::Result<()> + Sync) -> io::Result<bool> {
    let (waiting, shown) = (Mutex::new(VecDeque::from(jobs)), Mutex::new(true));
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let works = || -> io::Result<()> {
        while let Some(Job { title, mut command, log }) = next() {
            println!("… {title}");
            let ended = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
            let mut green = shown.lock().unwrap_or_else(PoisonError::into_inner);
            println!("\n$ {title}\n{}", String::from_utf8_lossy(&ended.stdout));
            keep(&log, &ended.stdout)?;
            *green &= ended.status.success();
            if !ended.status.success() {
                println!("{title}: {}", ended.status);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..at_once.max(1)).map(|_| scope.spawn(works)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| worker.join().unwrap_or_else(|_| Err(io::Error::other("a worker of the tests panicked"))))
    })?;
    Ok(shown.into_inner().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(scripts: &[&str], at_once: usize) -> (bool, Vec<(usize, String)>) {
        let job = |(log, script): (usize, &&str)| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            Job { title: format!("job {log}"), command, log }
        };
        let kept = Mutex::new(Vec::new());
        let green = run(scripts.iter().enumerate().map(job).collect(), at_once, |log, said| {
            kept.lock().unwrap().push((*log, String::from_utf8_lossy(said).into_owned()));
            Ok(())
        });
        (green.unwrap(), kept.into_inner().unwrap())
    }

    #[test]
    fn what_each_says_is_kept_in_one_piece_and_one_that_fails_spoils_all() {
        let (green, mut kept) = said(&["echo a; echo b", "echo c; exit 3", "echo d"], 2);
        kept.sort();
        assert!(!green);
        assert_eq!(kept, [(0, "a\nb\n".to_owned()), (1, "c\n".to_owned()), (2, "d\n".to_owned())]);
        assert!(said(&["true", "true"], 2).0);
    }

    #[test]
    fn as_many_go_on_at_once_as_may() {
        let folder = std::env::temp_dir().join(format!("comanda-pool-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let pipe = folder.join("pipe");
        let pipe = pipe.display();
        // Each waits for the other, as a pipe does for somebody at its other end; alone it gives up.
        let scripts = [
            format!("mkfifo {pipe} && timeout 20 sh -c 'echo > {pipe}'"),
            format!("until [ -p {pipe} ]; do :; done; timeout 20 cat {pipe}"),
        ];
        let (green, _) = said(&[&scripts[0], &scripts[1]], 2);
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(green);
    }
}
