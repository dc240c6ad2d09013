//! Jobs and lanes on a store of their own, in a world whose clock moves only when it is told to.

mod jobs;
mod lanes;
mod letters;
mod stage;
