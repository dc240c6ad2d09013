//! `cargo sim`: lives worlds by their seeds and says which broke a promise.

use std::process::ExitCode;

/// Worlds make and drop many small things.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sim::command::main()
}
