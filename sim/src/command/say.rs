//! What the command says, to somebody who may have heard enough: `cargo sim … | head`.

use std::fmt::Arguments;
use std::io::Write;

/// As a shell tells of a program that wrote where nobody reads.
const NOBODY_LISTENS: i32 = 141;

/// Says a line; ends the command when nobody listens any more.
pub fn line(words: Arguments<'_>) {
    if writeln!(std::io::stdout(), "{words}").is_err() {
        std::process::exit(NOBODY_LISTENS);
    }
}

/// Says a line, as `println` does, but ends quietly when nobody listens any more.
macro_rules! say {
    ($($words:tt)*) => { $crate::command::say::line(format_args!($($words)*)) };
}
pub(crate) use say;
