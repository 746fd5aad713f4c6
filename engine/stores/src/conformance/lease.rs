//! What is promised of the lease.

use super::Home;

/// Every opening raises the epoch.
pub fn every_opening_raises_the_epoch(home: &mut dyn Home) {
    let mut epochs = vec![home.store().epoch()];
    for _ in 0..3 {
        home.reopen();
        epochs.push(home.store().epoch());
    }
    assert_eq!(epochs, [1, 2, 3, 4]);
}

/// A store that is handed out may be written to.
pub fn an_open_store_holds_its_lease(home: &mut dyn Home) {
    for _ in 0..2 {
        assert!(home.store().is_held());
        home.reopen();
    }
}
