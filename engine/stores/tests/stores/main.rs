//! What the stores promise, and what they do when everything is done to them.

#![expect(clippy::unwrap_used, reason = "a failed test should say where")]

mod damage;
mod differential;
mod forgetting;
mod home;
mod kill;

mod in_memory {
    windlass_stores::conformance!(crate::home::InMemory::new());
}

mod on_disk {
    windlass_stores::conformance!(crate::home::OnDisk::new());
}
