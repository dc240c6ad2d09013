//! The catalogues of the pages: every text in every language, with the same gaps to fill.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Violation;
use crate::graph::Graph;
use crate::tree::Tree;

const FOLDER: &str = "web/shop/i18n/";
/// The languages and the plural forms that each of them needs.
const LANGUAGES: [(&str, &[&str]); 2] = [("en", &["one", "other"]), ("ru", &["one", "few", "many", "other"])];
const FORMS: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];

/// A text: its plural forms, if it has any, and the gaps that are filled.
#[derive(Default, PartialEq)]
struct Text {
    forms: Option<BTreeSet<String>>,
    gaps: BTreeSet<String>,
}

type Catalogue = BTreeMap<String, Text>;

pub fn find(tree: &Tree, _: &Graph) -> Vec<Violation> {
    let mut found = Vec::new();
    let names: BTreeSet<&str> =
        tree.under(FOLDER).filter_map(|(path, _)| path[FOLDER.len()..].split_once('/')).map(|(_, name)| name).collect();
    for name in names {
        let mut read = Vec::new();
        for (language, forms) in LANGUAGES {
            let path = format!("{FOLDER}{language}/{name}");
            match tree.text(&path).map(serde_json::from_str::<Value>) {
                None => found.push(Violation::new(path, 1, "the catalogue is missing in this language")),
                Some(Err(error)) => found.push(Violation::new(path, error.line(), format!("is no JSON: {error}"))),
                Some(Ok(value)) => {
                    let mut catalogue = Catalogue::new();
                    gather("", &value, &mut catalogue);
                    read.push((path, forms, catalogue));
                }
            }
        }
        for (path, forms, own) in &read {
            for (other, _, theirs) in read.iter().filter(|(other, ..)| other != path) {
                compare(tree, (path, own, forms), (other, theirs), &mut found);
            }
        }
    }
    found
}

fn gather(key: &str, value: &Value, catalogue: &mut Catalogue) {
    match value {
        Value::Object(map) if key.is_empty() || !map.keys().all(|form| FORMS.contains(&form.as_str())) => {
            for (name, value) in map {
                let name = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                gather(&name, value, catalogue);
            }
        }
        Value::Object(forms) => {
            let gaps = forms.values().filter_map(Value::as_str).flat_map(gaps).collect();
            catalogue.insert(key.to_owned(), Text { forms: Some(forms.keys().cloned().collect()), gaps });
        }
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                gather(&format!("{key}.{at}"), value, catalogue);
            }
        }
        value => {
            let gaps = value.as_str().into_iter().flat_map(gaps).collect();
            catalogue.insert(key.to_owned(), Text { forms: None, gaps });
        }
    }
}

/// The names in braces.
fn gaps(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name.to_owned())
}

fn compare(tree: &Tree, own: (&str, &Catalogue, &&[&str]), other: (&str, &Catalogue), found: &mut Vec<Violation>) {
    let (path, texts, forms) = own;
    let line = |key: &str| {
        let last = key.rsplit('.').next().unwrap_or(key);
        tree.line_of(path, &format!("\"{last}\":"))
    };
    for (key, text) in texts {
        let Some(theirs) = other.1.get(key) else {
            found.push(Violation::new(other.0, 1, format!("lacks `{key}`, which {path} has")));
            continue;
        };
        if text.forms.is_some() != theirs.forms.is_some() {
            found.push(Violation::new(path, line(key), format!("`{key}` has plural forms in one language and not in the other")));
        }
        if text.gaps != theirs.gaps {
            let text = format!("`{key}` fills {:?}, and {} fills {:?}", text.gaps, other.0, theirs.gaps);
            found.push(Violation::new(path, line(key), text));
        }
        if let Some(missing) = text.forms.as_ref().and_then(|own| forms.iter().find(|form| !own.contains(**form))) {
            found.push(Violation::new(path, line(key), format!("`{key}` lacks the plural form `{missing}`")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(en: &str, ru: &str) -> Vec<String> {
        let tree = Tree::of([("web/shop/i18n/en/shop.json", en), ("web/shop/i18n/ru/shop.json", ru)]);
        find(&tree, &Graph::default()).into_iter().map(|violation| format!("{} {}", violation.path, violation.text)).collect()
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let en = r#"{"a":{"title":"Hi {name}"},"n":{"one":"{count} dish","other":"{count} dishes"}}"#;
        let ru = r#"{"a":{"title":"{name}!"},"n":{"one":"{count} блюдо","few":"{count} блюда","many":"{count} блюд","other":"{count} блюда"}}"#;
        assert_eq!(said(en, ru), [""; 0]);
        for (en, ru, what) in [
            (en, &ru.replace("title", "name"), "lacks `a.title`"),
            (en, &ru.replace("{name}", "{who}"), "fills"),
            (en, &ru.replace("\"few\"", "\"two\""), "lacks the plural form `few`"),
            (en, &ru.replace('!', "\""), "is no JSON"),
        ] {
            let said = said(en, ru);
            assert!(said.iter().any(|text| text.contains(what)), "{what}: {said:?}");
        }
        let alone = Tree::of([("web/shop/i18n/en/staff.json", "{}")]);
        assert_eq!(find(&alone, &Graph::default()).len(), 1);
    }
}
