//! The catalogue through its contract, over the local wire.

#[path = "service/bench.rs"]
mod bench;
#[path = "service/contract.rs"]
mod contract;
#[path = "service/house.rs"]
mod house;
#[path = "service/paging.rs"]
mod paging;
