//! What a new service changes in the files that are there already: the workspace, the topology, the binary's list.

use std::fs;
use std::path::Path;

/// Every changed file with its new text; nothing is written here.
pub fn all(root: &Path, name: &str) -> Result<Vec<(String, String)>, String> {
    let mut changed = Vec::new();
    for (path, edit) in [
        ("Cargo.toml", workspace as fn(&str, &str) -> Result<String, String>),
        ("topology.toml", topology),
        ("app/Cargo.toml", binary),
        ("app/src/services.rs", list),
        ("sim/src/parts/mod.rs", parts),
    ] {
        let text = fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))?;
        let text = edit(&text, name).map_err(|error| format!("{path}: {error}"))?;
        changed.push((path.to_owned(), text));
    }
    Ok(changed)
}

/// Puts a text in at a place.
fn at(text: &str, place: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..place], &text[place..])
}

/// The place behind the last line of a section that begins with `line`; the section ends with the next `[header]`.
fn behind_last(text: &str, header: &str, fits: impl Fn(&str) -> bool) -> Option<usize> {
    let mut place = text.find(header)?;
    let mut found = None;
    for line in text[place..].split_inclusive('\n') {
        // A line that only opens a list (`hears = [`) is no header.
        if line.starts_with('[') && !line.starts_with(header) {
            break;
        }
        place += line.len();
        if fits(line) {
            found = Some(place);
        }
    }
    found
}

/// The members, where no glob covers them, and the versions' list.
fn workspace(text: &str, name: &str) -> Result<String, String> {
    let place = behind_last(text, "[workspace.dependencies]", |line| line.contains("path = \"services/"));
    let place = place.ok_or("[workspace.dependencies] names no service to stand behind")?;
    let lines = format!("{name}-api = {{ path = \"services/{name}/api\" }}\n{name} = {{ path = \"services/{name}\" }}\n");
    let mut text = at(text, place, &lines);
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let listed =
        table.get("workspace").and_then(|workspace| workspace.get("members")?.as_array()).ok_or("there are no members")?;
    let listed: Vec<&str> = listed.iter().filter_map(toml::Value::as_str).collect();
    for (folder, glob) in [(format!("services/{name}"), "services/*"), (format!("services/{name}/api"), "services/*/api")] {
        if listed.contains(&glob) || listed.contains(&folder.as_str()) {
            continue;
        }
        let open = text.find("members = [").ok_or("`members = [` is not there")?;
        let close = open + text[open..].find(']').ok_or("the list of members does not end")?;
        let before = text[..close].trim_end();
        let comma = if before.ends_with(',') || before.ends_with('[') { "" } else { "," };
        text = at(&text, before.len(), &format!("{comma} \"{folder}\""));
    }
    Ok(text)
}

/// The service's own block, its topic, and the edge from the gateway.
fn topology(text: &str, name: &str) -> Result<String, String> {
    let place = behind_last(text, "[topics]", |line| line.contains("retention")).ok_or("[topics] is empty")?;
    let topic = format!("{name}-events = {{ carries = \"what {name} says\", retention = \"30d\" }}\n");
    let text = at(text, place, &topic);
    let gateway = text.find("[services.gateway]").ok_or("there is no [services.gateway]")?;
    let block = format!(
        "[services.{name}]
owns = \"what is kept about each order until it is closed\"
store = \"sql\"
says.{name}-events = [\"{name}.closed\"]
hears = [\"order.created\", \"order.delivered\"]

"
    );
    let text = at(&text, gateway, &block);
    let place = behind_last(&text, "[services.gateway]", |line| line.starts_with("needs.")).ok_or("the gateway needs nobody")?;
    Ok(at(&text, place, &format!("needs.{name} = {{ timeout = \"1s\", retries = 1, in_flight = 128 }}\n")))
}

/// The dependency of the binary, in its alphabetical place.
fn binary(text: &str, name: &str) -> Result<String, String> {
    let line = format!("{name}.workspace = true\n");
    let first =
        behind_last(text, "[dependencies]", |line| line.starts_with("[dependencies]")).ok_or("there is no [dependencies]")?;
    let place = behind_last(text, "[dependencies]", |other| other.contains(".workspace") && other < line.as_str());
    Ok(at(text, place.unwrap_or(first), &line))
}

/// The list of services that the binary starts.
fn list(text: &str, name: &str) -> Result<String, String> {
    let place = text.rfind("::service(),\n").ok_or("no line reads `…::service(),`")? + "::service(),\n".len();
    Ok(at(text, place, &format!("        {name}::service(),\n")))
}

/// The list of those who take part in the simulated world.
fn parts(text: &str, name: &str) -> Result<String, String> {
    let place = text.rfind("::PART,\n").ok_or("no line reads `…::PART,`")? + "::PART,\n".len();
    let text = at(text, place, &format!("    {name}::PART,\n"));
    let place = text.find("mod ").ok_or("no line reads `mod …;`")?;
    Ok(at(&text, place, &format!("mod {name};\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPENDENCIES: &str = "[workspace.dependencies]\nbase = { path = \"crates/base\" }\norders = { path = \"services/orders\" }\nserde = \"1\"\n\n[profile.dev]\n";

    #[test]
    fn a_service_takes_part_in_the_world() {
        let before = "//! Parts.\n\nmod orders;\n\nconst PARTS: &[Part] = &[\n    orders::PART,\n];\n";
        let after =
            "//! Parts.\n\nmod audits;\nmod orders;\n\nconst PARTS: &[Part] = &[\n    orders::PART,\n    audits::PART,\n];\n";
        assert_eq!(parts(before, "audits").unwrap(), after);
    }

    #[test]
    fn members_are_added_to_a_list_and_left_to_a_glob() {
        for (before, after) in [
            ("\"services/*\", \"services/*/api\"", "\"services/*\", \"services/*/api\"]"),
            ("\"services/orders\", \"services/*/api\"", "\"services/*/api\", \"services/loyalty\"]"),
            ("\n  \"services/orders\",\n  \"services/*/api\",\n", "\"services/*/api\", \"services/loyalty\"\n]"),
            ("\"xtask\"", "\"xtask\", \"services/loyalty\", \"services/loyalty/api\"]"),
        ] {
            let text = workspace(&format!("[workspace]\nmembers = [{before}]\n{DEPENDENCIES}"), "loyalty").unwrap();
            assert!(text.contains(after), "{text}");
            assert!(text.parse::<toml::Table>().is_ok(), "{text}");
            let place = text.find("orders = {").unwrap();
            assert!(text[place..].contains("\nloyalty = { path = \"services/loyalty\" }\nserde"), "{text}");
        }
    }

    #[test]
    fn the_topology_of_the_house_takes_a_service() {
        let text = topology(include_str!("../../../topology.toml"), "loyalty").unwrap();
        let table: toml::Table = text.parse().unwrap();
        assert_eq!(table["services"]["loyalty"]["says"]["loyalty-events"][0].as_str(), Some("loyalty.closed"));
        assert!(table["services"]["gateway"]["needs"]["loyalty"].is_table());
        assert!(table["topics"]["loyalty-events"].is_table());
        assert_eq!(text.matches("loyalty-events").count(), 2);
    }

    #[test]
    fn the_binary_names_the_service_in_order() {
        let text =
            binary("[dependencies]\nbase.workspace = true\norders.workspace = true\n\n[lints]\nworkspace = true\n", "loyalty")
                .unwrap();
        assert!(text.contains("base.workspace = true\nloyalty.workspace = true\norders"), "{text}");
        let text = binary("[dependencies]\norders.workspace = true\n", "alms").unwrap();
        assert!(text.contains("[dependencies]\nalms.workspace"), "{text}");
        let text = list("vec![\n        orders::service(),\n    ]", "loyalty").unwrap();
        assert!(text.ends_with("orders::service(),\n        loyalty::service(),\n    ]"), "{text}");
    }
}
