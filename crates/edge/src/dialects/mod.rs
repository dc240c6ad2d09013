//! Other systems' words for the same things. Each dialect is a thin translation.

pub(crate) mod pizza;
