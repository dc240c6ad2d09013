//! How many sockets the process may hold: as many as the system lets it have, and not as few as it begins with.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Nobody here needs more: connections are limited to 20,000, and each has one file.
const FILES: u64 = 65_536;

/// Raises what the process may open; an open page of an order is a socket, and many systems begin with 1,024.
pub fn allow_many() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(FILES, |most| most.min(FILES));
    if current.is_some_and(|current| current < wanted) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
        if let Err(error) = raised {
            tracing::warn!(%error, ?current, "no more sockets may be opened");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_can_be_opened_afterwards_than_an_open_page_each_for_a_small_town() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        allow_many();
        let now = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        assert!(now >= maximum.unwrap_or(u64::MAX).min(FILES).min(4_096), "{now}");
    }
}
