//! What stands on the disk when it fails: a whole database, seed by seed, against a small model of what it was told.

mod faults;
mod journals;
mod ledger;
mod locks;
mod power;
mod speed;
