//! A small file system beneath the data folder, whose room somebody takes away and gives back.
#![allow(clippy::disallowed_methods)] // A measurement on real files and processes.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use base::Fault;

/// How large it is when all is well, in kilobytes; it takes memory only for what is on it.
const ROOM_KB: u64 = 2 * 1_024 * 1_024;
/// How often the room is taken again when the files have grown meanwhile.
const TAKES_MAX: u32 = 20;
/// What is left to the files from one such try to the next, in kilobytes.
const STEP_KB: u64 = 256;

/// A file system of its own on a folder.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one on a folder; the reason why not when nobody may.
    pub fn mount(folder: &Path) -> Result<SmallDisk, String> {
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let options = format!("size={ROOM_KB}k,mode=700");
        run("mount", &["-t", "tmpfs", "-o", &options, "comanda-chaos", &folder.display().to_string()])?;
        Ok(SmallDisk { folder: folder.to_owned() })
    }

    /// Leaves hardly any room; tells whether that went well.
    pub fn fill(&self, left_kb: u64) -> bool {
        (0..TAKES_MAX).any(|take| {
            let used: u64 = blocks(&self.folder).unwrap_or(0) / 2;
            self.resize(used + left_kb + u64::from(take) * STEP_KB)
        })
    }

    /// Gives all room back.
    pub fn free(&self) -> Result<(), Fault> {
        let failed = || Fault::internal("lab_failed", "The small file system could not be given its room back.");
        self.resize(ROOM_KB).then_some(()).ok_or_else(failed)
    }

    fn resize(&self, kilobytes: u64) -> bool {
        run("mount", &["-o", &format!("remount,size={kilobytes}k"), &self.folder.display().to_string()]).is_ok()
    }

    /// Takes what is on it to a folder that stays.
    pub fn copy_to(&self, folder: &Path) -> Result<(), Fault> {
        let (from, to) = (format!("{}/.", self.folder.display()), folder.display().to_string());
        run("cp", &["-a", &from, &to])
            .map_err(|error| Fault::internal("lab_failed", format!("The data could not be copied to {to}.")).because(error))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever still has a file of it open keeps it until then.
        let _ = run("umount", &["-l", &self.folder.display().to_string()]);
    }
}

fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(args).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()) }
}

/// How many blocks of 512 bytes all files below a folder take; what goes away meanwhile counts nothing.
fn blocks(folder: &Path) -> std::io::Result<u64> {
    let mut blocks = 0;
    for entry in std::fs::read_dir(folder)?.flatten() {
        let Ok(about) = entry.metadata() else { continue };
        blocks += about.blocks() + if about.is_dir() { self::blocks(&entry.path()).unwrap_or(0) } else { 0 };
    }
    Ok(blocks)
}
