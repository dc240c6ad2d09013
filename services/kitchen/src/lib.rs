//! Kitchen.
pub mod domain;
