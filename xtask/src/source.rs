//! Rust text taken apart just far enough: code, comments and string literals, with line numbers kept.

/// What a stretch of Rust text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Comment,
    Text,
}

/// A comment, or a string literal with its quotes; what lies between spans is code.
struct Span {
    kind: Kind,
    start: usize,
    end: usize,
}

fn spans(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &text[at..];
        let (kind, length) = if rest.starts_with("//") {
            (Kind::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (Kind::Comment, block_comment(rest))
        } else if rest.starts_with('"') {
            (Kind::Text, quoted(rest))
        } else if let Some(length) = raw(text, at) {
            (Kind::Text, length)
        } else if rest.starts_with('\'') {
            at += char_literal(rest);
            continue;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        found.push(Span { kind, start: at, end: at + length });
        at += length;
    }
    found
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        if tail.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

fn quoted(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a raw string that starts here, if one does.
fn raw(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].chars().next_back();
    if before.is_some_and(|c| is_word(c) && c != 'b') {
        return None;
    }
    let hashes = text[at..].strip_prefix('r')?;
    let count = hashes.len() - hashes.trim_start_matches('#').len();
    let body = hashes[count..].strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(count));
    let length = body.find(&close).map_or(body.len(), |end| end + close.len());
    Some(1 + count + 1 + length)
}

/// The length of a character literal, or of the tick of a lifetime.
fn char_literal(rest: &str) -> usize {
    let mut chars = rest[1..].chars();
    match chars.next() {
        Some('\\') => rest[2..].char_indices().skip(1).find(|(_, c)| *c == '\'').map_or(1, |(end, _)| 2 + end + 1),
        Some(c) if chars.next() == Some('\'') => 1 + c.len_utf8() + 1,
        _ => 1,
    }
}

fn blanked(text: &str, blank: impl Fn(Kind) -> bool) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for span in spans(text).iter().filter(|span| blank(span.kind)) {
        for byte in bytes[span.start..span.end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).expect("whole characters were replaced by spaces")
}

/// The text with comments and string literals blanked out.
pub fn code(text: &str) -> String {
    blanked(text, |_| true)
}

/// The text with comments blanked out.
pub fn uncommented(text: &str) -> String {
    blanked(text, |kind| kind == Kind::Comment)
}

/// Every string literal with the line that it starts on, quotes included.
pub fn literals(text: &str) -> Vec<(usize, &str)> {
    let texts = spans(text).into_iter().filter(|span| span.kind == Kind::Text);
    texts.map(|span| (line_at(text, span.start), &text[span.start..span.end])).collect()
}

/// The part before the unit tests, which by custom end a file.
pub fn product(text: &str) -> &str {
    let mut from = 0;
    while let Some(found) = text[from..].find("#[cfg(test)]") {
        let start = from + found;
        let after = start + "#[cfg(test)]".len();
        // `mod tests;` lives in a file of its own, and the product goes on after it.
        let body = text[after..].trim_start().strip_prefix("mod ").and_then(|rest| rest.find(['{', ';']).map(|end| &rest[end..]));
        if body.is_some_and(|body| body.starts_with('{')) {
            return &text[..start];
        }
        from = after;
    }
    text
}

/// The line, counted from 1, of a position.
pub fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// True for what can be part of an identifier.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `needle` stands as a whole: not inside a longer identifier.
pub fn find_word(text: &str, needle: &str) -> Option<usize> {
    let opens = needle.chars().next().is_some_and(is_word);
    let closes = needle.chars().next_back().is_some_and(is_word);
    text.match_indices(needle).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back().is_some_and(is_word);
        let after = text[at + needle.len()..].chars().next().is_some_and(is_word);
        !(opens && before || closes && after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_blanked_and_lines_stay() {
        let text = "a // async \"x\n/* b /* c */ d */ let s = \"async // no\"; 'x' '\\'' '\"' e";
        let code = code(text);
        assert!(find_word(&code, "async").is_none());
        assert!(code.ends_with("e") && code.contains("let s ="));
        assert_eq!(code.matches('\n').count(), 1);
        assert!(uncommented(text).contains("\"async // no\""));
    }

    #[test]
    fn literals_are_found_in_every_form() {
        let text = "f(\"a\\\"b\");\nr#\"c \" d\"#; br\"e\"; for<'a> g(\"é\", 'é', \"f\")";
        let found: Vec<_> = literals(text);
        assert_eq!(found, [(1, "\"a\\\"b\""), (2, "r#\"c \" d\"#"), (2, "r\"e\""), (2, "\"é\""), (2, "\"f\"")]);
    }

    #[test]
    fn the_tests_at_the_end_are_no_product() {
        let text = "#[cfg(test)]\nuse x;\nfn a() {}\n#[cfg(test)]\nmod tests { b }";
        assert!(product(text).contains("fn a") && !product(text).contains('b'));
    }

    #[test]
    fn a_word_is_whole() {
        assert_eq!(find_word("asynchronous async", "async"), Some(13));
        assert_eq!(find_word("my_sql::x", "sql::"), None);
        assert_eq!(find_word("sql::x", "sql::"), Some(0));
    }
}
