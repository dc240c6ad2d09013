//! Payments as others see it: its contract, what it hears, and a real provider over loopback that misbehaves on demand.

mod contract;
mod outages;
mod reactions;
mod till;
