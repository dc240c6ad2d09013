//! The pages behind the codes of problems: docs/problems, built in.

use std::fmt::Write;

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The page of one code: English first, Russian after it where somebody wrote it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    code: &'static str,
    text: &'static str,
}

/// Finds the page of a code.
pub(crate) fn find(code: &str) -> Option<Page> {
    let place = PAGES.binary_search_by(|(known, _)| (*known).cmp(code)).ok()?;
    Some(Page { code: PAGES[place].0, text: PAGES[place].1 })
}

/// Makes a title of a code that has no better one: `Too late to cancel`.
pub(crate) fn humane(code: &str) -> String {
    let words = code.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn is_russian(line: &str) -> bool {
    line.chars().any(|letter| ('а'..='я').contains(&letter.to_lowercase().next().unwrap_or(letter)))
}

impl Page {
    /// Gives the title in a language.
    pub(crate) fn title(self, russian: bool) -> Option<String> {
        let headings = self.text.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
        headings
            .filter(|heading| !heading.eq_ignore_ascii_case("по-русски") && !heading.eq_ignore_ascii_case("русский"))
            .find(|heading| is_russian(heading) == russian && heading.trim_matches('`') != self.code)
            .map(str::to_owned)
    }

    /// Gives the first paragraph in Russian.
    pub(crate) fn detail_ru(self) -> Option<&'static str> {
        self.text.split("\n\n").map(str::trim).find(|part| !part.starts_with('#') && is_russian(part))
    }

    /// Renders the page.
    pub(crate) fn html(self) -> String {
        let mut body = String::new();
        for part in self.text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()) {
            let text = inline(part.trim_start_matches('#').trim());
            let _ = match part.bytes().take_while(|byte| *byte == b'#').count() {
                _ if part == "---" => writeln!(body, "<hr>"),
                0 => writeln!(body, "<p>{text}</p>"),
                1 => writeln!(body, "<h1>{text}</h1>"),
                _ => writeln!(body, "<h2>{text}</h2>"),
            };
        }
        format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
             <title>{code}</title></head>\n<body>\n<p><code>{code}</code></p>\n{body}</body></html>\n",
            code = self.code
        )
    }
}

/// Escapes a text and marks what stands between backticks.
fn inline(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut marked = String::new();
    for (place, part) in text.split('`').enumerate() {
        if place % 2 == 1 {
            let _ = write!(marked, "<code>{part}</code>");
        } else {
            marked.push_str(part);
        }
    }
    marked
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn pages_are_found_by_code_and_speak_two_languages() {
        let page = find("token_needed").unwrap();
        assert_eq!(page.title(false).unwrap(), "A token is needed");
        assert_eq!(page.title(true).unwrap(), "Нужен токен");
        assert!(page.detail_ru().unwrap().starts_with("Запрос"));
        assert!(page.html().contains("<h1>A token is needed</h1>") && page.html().contains("<code>staff.token</code>"));
        assert!(find("no_such_code").is_none());
        assert_eq!(humane("too_late_to_cancel"), "Too late to cancel");
    }
}
