//! Where journals are kept: on disk ([`SledStore`]), and in memory ([`MemoryStore`]).
//!
//! What a store promises is said where the engine asks for it:
//! [`JournalStore`](windlass_journal::JournalStore).

mod memory;
mod sled;

pub use self::sled::{AfterSync, SledStore};
pub use memory::MemoryStore;
