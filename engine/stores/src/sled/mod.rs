//! The store on disk: sled, used with care. The one module that names it.
//!
//! What sled 0.34.7 does, measured and read in its source, and how that is answered here:
//!
//! | sled | answer |
//! |---|---|
//! | An insert that was not flushed is lost on a plain SIGKILL. | Nothing counts as recorded before [`sync`](windlass_journal::Durable::sync). |
//! | Its flush is `sync_file_range`, which does not survive a power cut. | An fdatasync of the database file follows each flush; directories are synced at opening. |
//! | A page of 128 KiB or more becomes a file of its own that is never synced. | Long values are kept in parts, so that no page gets there (`parts`). |
//! | A record damaged since the last opening counts as the torn end of the log, and is left out in silence with what follows it. | What was synced is noted beside the database, and compared at opening (`marks`). |
//! | Damaged files can make it panic, at opening and later. | Every operation is guarded, and a panic becomes an error that closes the store (`guard`). |
//!
//! | tree | key | value |
//! |---|---|---|
//! | `entries` | run, 0, sequence number (8 bytes, big-endian) | record |
//! | `summaries` | run | summary |
//! | `open` | run | nothing: the run has not finished |
//! | `values` | name | runbook texts, the check of the master key, the epoch |
//! | `tombstones` | run | what stays of a run that was forgotten |
//! | `leaving` | run | nothing: the run is being forgotten |
//! | `parts` | tree, key, number of the part | a part of a long value |

mod flush;
mod forget;
mod guard;
mod marks;
mod open;
mod parts;
mod store;
mod trees;

pub use store::{AfterSync, SledStore};
