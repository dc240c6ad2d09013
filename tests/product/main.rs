//! The product from outside: the binary, its sockets, its files. Nothing here knows what is inside.

mod authorisation;
mod bad_input;
mod commands;
mod happy;
mod outages;
mod platform;
