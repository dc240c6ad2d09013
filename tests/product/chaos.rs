//! The people and the bookkeeper of the simulator against real processes.

use crate::platform::{Folder, comanda};

#[test]
fn people_and_their_bookkeeper_agree_with_a_process_that_was_killed_and_stood_still() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let chaos = || {
        let mut command = comanda();
        command.args(["lab", "chaos", "--seconds", "6", "--customers", "30", "--seed", "4", "--data"]).arg(&data);
        command.output().unwrap()
    };
    let output = chaos();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("The book and the platform agree.") && said.contains("Every promise was kept."), "{said}");
    let struck = said.lines().find(|line| line.starts_with("struck")).unwrap_or_default();
    assert!(struck.contains("kill -9") && struck.contains("stop"), "{said}");
    assert!(struck.contains("disk full") || said.contains("this trouble is left out"), "{said}");
    // What was lived through is there to be looked at, and is not taken for a platform on its first day.
    let mut audit = comanda();
    audit.args(["audit", "--at-rest", "--data"]).arg(&data).arg("--journal").arg(data.with_extension("journal"));
    let looked = audit.output().unwrap();
    assert!(looked.status.success(), "{}", String::from_utf8_lossy(&looked.stdout));
    let diary = std::fs::read_to_string(data.with_extension("diary")).unwrap();
    assert!(diary.contains("** kill -9") && diary.contains("POST /v1/orders key"), "{diary}");
    let again = chaos();
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("first day"));
}
