//! The command line.

use crate::platform::{Folder, Platform, comanda};

#[tokio::test]
async fn a_second_owner_of_a_data_folder_is_refused_and_the_first_ends_cleanly() {
    let folder = Folder::new();
    let platform = Platform::start(&folder).await;
    let second = comanda().args(["up", "--listen", "127.0.0.1:0", "--data"]).arg(&platform.data).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("Another comanda is running"), "{said}");
    assert!(platform.stop());
}

#[tokio::test]
async fn a_few_orders_of_the_year_are_replayed_and_continued_to_the_cent() {
    let folder = Folder::new();
    let year = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/pizzaplace/pizzaplace.csv.gz");
    let journal = folder.path().join("journal");
    for limit in ["60", "150"] {
        let output = comanda()
            .args(["replay", year, "--limit", limit, "--rate", "300", "--data"])
            .arg(folder.path().join("data"))
            .arg("--journal")
            .arg(&journal)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains("equal to the file, to the cent"), "{said}");
        assert!(said.contains(&format!("{limit} in the file, {limit} acknowledged")), "{said}");
    }
}
