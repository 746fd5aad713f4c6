//! Where journals are kept: on disk ([`SledStore`]), and in memory ([`MemoryStore`]).
//!
//! What a store promises is said where the engine asks for it:
//! [`JournalStore`](windlass_journal::JournalStore). Whether it keeps it is tried by `conformance`.

#[cfg(feature = "conformance")]
pub mod conformance;
mod memory;
#[cfg(feature = "sled")]
mod sled;

#[cfg(feature = "sled")]
pub use self::sled::{AfterSync, SledStore};
pub use memory::MemoryStore;
