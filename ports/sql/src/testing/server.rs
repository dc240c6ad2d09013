//! A PostgreSQL server of the test's own, in a folder that goes with the test.

use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Debian's `nobody`: PostgreSQL refuses to run as root.
const NOBODY: u32 = 65_534;

/// Holds the pipe whose end, when the test's process ends in whatever way, stops the server and removes its folder.
static SERVER: OnceLock<(String, Child)> = OnceLock::new();

/// Starts the server, once in a process, and gives its URL.
///
/// # Panics
/// When PostgreSQL is not installed; the message has the line that installs it.
pub fn url() -> String {
    SERVER.get_or_init(start).0.clone()
}

#[allow(clippy::disallowed_methods)]
fn start() -> (String, Child) {
    let bin = binaries();
    let folder = tempfile::tempdir().expect("a test needs a folder").keep();
    let metadata = std::fs::metadata(&folder).expect("the folder is there");
    let is_root = std::os::unix::fs::MetadataExt::uid(&metadata) == 0;
    let user = if is_root {
        std::os::unix::fs::chown(&folder, Some(NOBODY), Some(NOBODY)).expect("root gives folders away");
        "setpriv --reuid=65534 --regid=65534 --clear-groups"
    } else {
        ""
    };
    let (dir, data) = (folder.display(), folder.join("data"));
    let data = data.display();
    let settings = format!("-k {dir} -c listen_addresses= -c max_connections=400 -F");
    let script = format!(
        "cd {dir}
        {user} {bin}/initdb -D {data} -A trust -U comanda -E UTF8 --locale=C.UTF-8 --no-sync >{dir}/log 2>&1 &&
        {user} {bin}/pg_ctl -D {data} -o '{settings}' -l {dir}/server.log -w start >/dev/null 2>&1 && echo ready || {{ cat {dir}/log {dir}/server.log; exit 1; }}
        exec >/dev/null 2>&1
        cat
        {user} {bin}/pg_ctl -D {data} -m immediate -w stop
        cd /; rm -rf {dir}"
    );
    let child = Command::new("sh").arg("-c").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("there is a shell");
    let mut told = String::new();
    child.stdout.take().expect("it is piped").read_to_string(&mut told).expect("the server tells how it went");
    assert!(told.starts_with("ready"), "PostgreSQL did not start:\n{told}");
    (format!("host={dir} user=comanda dbname=postgres"), child)
}

fn binaries() -> String {
    let known = (13..=20).rev().map(|version| format!("/usr/lib/postgresql/{version}/bin"));
    known
        .into_iter()
        .find(|folder| Path::new(folder).join("initdb").exists())
        .expect("PostgreSQL is missing: run `apt-get install -y --no-install-recommends postgresql-15`")
}
