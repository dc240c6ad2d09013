//! The binary: all of it is in the library of the same name, so that a simulation can stand on it too.

use std::process::ExitCode;

/// Tasks make and drop many small things on every thread; against glibc's allocator this one gave a third more orders per
/// second (docs/decisions/0006-an-allocator-of-our-own-choice.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    comanda::main()
}
