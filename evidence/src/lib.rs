//! What was done, for those who must believe it later: reports, signed journals.
//!
//! ```text
//! journal --report-->  Report: what was there, what was done, what is there now   -> md, html, json
//!         --file-->    records byte for byte, signed       --verify--> Verified, or the first line
//!                                                                                  that is wrong
//! ```
//!
//! A report is for reading, and says what the journal says. Evidence is for checking: it needs no
//! state, no swarm and no network, only the file and the public key. What neither can show is that
//! the end of a journal was cut off by somebody who holds the key; that is what a published head is
//! for, which a daemon sends off the machine.
//!
//! It needs journals and nothing of an engine: whoever verifies builds no scripts, no steps and no
//! store.

pub mod file;
mod key;
pub mod report;

pub use key::{BadKey, PublicKey, SigningKey};
