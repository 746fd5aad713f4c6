//! The journal: the append-only record of a run, and the only truth about it.
//!
//! Everything here is a fold of records, or what they are made of: entries, their chain, the state
//! of a run, events and views. It needs no scripts, no steps and no store, so that a journal can be read and
//! verified where none of them is.
//!
//! # Format, version 1
//! A record is one JSON object on one line, `{"v":1,"seq":..,"at":..,"epoch":..,"prev":..,"body":..}`:
//!
//! | field | meaning |
//! |---|---|
//! | `v` | format version |
//! | `seq` | place in the run, from 0 without gaps |
//! | `at` | milliseconds since 1970, UTC |
//! | `epoch` | how often the state directory had been opened: a writer left over from an earlier opening can't write |
//! | `prev` | SHA-256 of the record before, byte for byte; of nothing for the first |
//! | `body` | what happened: [`Body`] |
//!
//! Which body may follow which is said in one function, [`next`]. Anything else is corruption: it
//! is reported with the run and the sequence number, and never guessed at.

mod archive;
mod chain;
pub mod clock;
mod entry;
pub mod event;
mod export;
pub mod id;
mod language;
mod packed;
pub mod parameter;
pub mod secret;
mod state;
mod status;
pub mod step;
mod store;
pub mod wait;

pub use archive::Archive;
pub use chain::{Chain, ChainError, ChainHead, read_chain};
pub use entry::{
    Answer, Body, Bound, BoundChange, CallHead, Created, Decision, End, Entry, FORMAT, Hash, How,
    Identity, Origin, text_hash,
};
pub use export::{Bytes, ExportError, ExportWriter, Line, read_export};
pub use language::Language;
pub use packed::Packed;
pub use state::{Asked, Call, Impossible, RunState, Trouble};
pub use status::{CallStatus, Illegal, RunStatus, next};
pub use store::{Durable, JournalStore, Journals, Lease, Position, StoreError, Values};
