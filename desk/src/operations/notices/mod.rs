//! Notices that are not delivered: looked at, and tried again.
//!
//! A receiver is a name over the network. Its address may be a secret, and what it answered may
//! repeat the address: neither is told there, and why it took nothing is told in words of our own.

mod list;
mod retry;

use windlass_duty::notice::Outbox;

pub use list::{Behind, List, NoticePage, Undelivered};
pub use retry::{Again, Retried, Retry};

use crate::desk::Desk;

/// The daemon knows who is to be told; here it matters only what is kept.
fn outbox(desk: &Desk) -> Outbox {
    Outbox::new(&desk.engine, [])
}
