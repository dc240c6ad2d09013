//! The product from outside: the binary, its sockets, its files. Nothing here knows what is inside.
#![allow(clippy::disallowed_methods)] // Tests of the product live on real processes, files and time.

mod authorisation;
mod backup;
mod bad_input;
mod breakers;
mod chaos;
mod commands;
mod cooking;
mod customer;
mod dialect;
mod disk;
mod door;
mod events;
mod figures;
mod files;
mod fixtures;
mod guide;
mod happy;
mod history;
mod independence;
mod lessons;
mod letters;
mod menu;
mod money;
mod operation;
mod outages;
mod patience;
mod platform;
mod schema;
mod share;
mod stock;
mod undo;
mod watch;
mod whole;
mod workers;
