//! Dialects: other platforms' words, translated thinly into ours.

pub(crate) mod pizza;
