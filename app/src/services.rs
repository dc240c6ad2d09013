//! The list of services of this binary.

use host::Service;

/// Every service, in the order of the topology.
pub fn all() -> Vec<Service> {
    vec![
        catalog::service(),
        inventory::service(),
        payments::service(),
        orders::service(),
        kitchen::service(),
        delivery::service(),
        notifications::service(),
        analytics::service(),
    ]
}
