//! What was done, for those who must believe it later: reports, signed journals.
//!
//! ```text
//! journal --report-->  Report: what was there, what was done, what is there now   -> md, html, json
//!         --file-->    records byte for byte, signed       --verify--> Verified, or the first line
//!         --publish--> the hash of the last record, sent off the machine            that is wrong
//! ```
//!
//! A report is for reading, and says what the journal says. Evidence is for checking: it needs no
//! state, no swarm and no network, only the file and the public key. What neither can show is that
//! the end of a journal was cut off by somebody who holds the key; that is what a published head is
//! for.

mod config;
pub mod file;
mod key;
pub mod publish;
pub mod report;

pub use config::{Config, PublishTo};
pub use key::{BadKey, PublicKey, SigningKey};
