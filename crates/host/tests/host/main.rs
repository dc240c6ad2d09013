//! The saga's mechanisms under a service as small as can be: one that counts what it hears.

mod counting;
mod jobs;
mod late;
mod letters;
mod peers;
mod reactions;
