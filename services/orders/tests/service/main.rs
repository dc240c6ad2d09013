//! Orders through its contract, and what it does about the news of the others: twice, late, crashed.

mod contract;
mod fakes;
mod reactions;
