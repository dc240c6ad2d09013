//! The audit against a small platform that is sound, and against what was done to it by hand.

mod busy;
mod corruptions;
mod menu;
mod races;
mod retention;
mod sound;
