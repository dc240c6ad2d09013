//! The catalogue through its contract, over the local wire.

use base::Fault;
use tonic::{Response, Status};

#[path = "service/contract.rs"]
mod contract;
#[path = "service/house.rs"]
mod house;
#[path = "service/paging.rs"]
mod paging;

fn code<T: std::fmt::Debug>(reply: Result<Response<T>, Status>) -> String {
    let fault: Fault = house::said(reply).unwrap_err();
    fault.code
}
