//! Source: byte offsets of a text as lines and columns that a person can find.

/// A range of bytes in the text.
pub(crate) type Span = std::ops::Range<usize>;

/// A value together with the place where it was written.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// A span as lines and columns, with the line to show.
#[derive(Debug, PartialEq)]
pub(crate) struct Place {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Counted in characters from 1.
    pub(crate) column: usize,
    /// How many characters of the line are meant, at least 1.
    pub(crate) width: usize,
    /// The line itself, tabs shown as one space so that the caret stays under its word.
    pub(crate) text: String,
}

/// Finds the place of a span; what lies beyond the first line is cut off.
pub(crate) fn place(source: &str, span: &Span) -> Place {
    let start = floor(source, span.start);
    let end = floor(source, span.end).max(start);
    let line_start = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = source[start..].find('\n').map_or(source.len(), |newline| start + newline);
    let text = source[line_start..line_end].trim_end_matches('\r');
    Place {
        line: source[..line_start].matches('\n').count() + 1,
        column: source[line_start..start].chars().count() + 1,
        width: source[start..end.min(line_end)].trim_end().chars().count().max(1),
        text: text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
    }
}

/// The nearest character boundary at or before `offset`.
fn floor(source: &str, offset: usize) -> usize {
    (0..=offset.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let source = "a = 1\n\"пицца\" = x\n";
        let at = source.find('x').unwrap();
        let found = place(source, &(at..at + 1));
        assert_eq!((found.line, found.column, found.width), (2, 11, 1));
        assert_eq!(found.text, "\"пицца\" = x");
    }

    #[test]
    fn a_span_over_many_lines_is_cut_at_the_first() {
        let found = place("ab\r\ncd", &(1..6));
        assert_eq!((found.line, found.column, found.width), (1, 2, 1));
        assert_eq!(found.text, "ab");
    }

    #[test]
    fn a_span_beyond_the_text_points_at_its_end() {
        let found = place("ab\n", &(9..12));
        assert_eq!((found.line, found.column, found.width), (2, 1, 1));
    }
}
