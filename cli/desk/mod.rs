//! The desk: where commands hand in requests, wherever the engine is.
//!
//! A state directory has one owner. The first process that needs it becomes the owner, runs the
//! engine, and answers other processes over a Unix socket; those that come later find the directory
//! owned and ask over the socket. Commands don't know the difference.
//!
//! ```text
//! command -> Desk::ask(Request) -> asker (who runs this process) -> clerk (engine) -> Reply, ...
//!                    \-> socket -> asker (who the kernel says) -> audited -> clerk (engine) /
//! ```

mod asker;
mod audited;
mod clerk;
mod duty;
mod keeping;
mod opening;
mod protocol;
mod question;
mod socket;
mod tokens;
mod which;

pub use duty::{DutyReply, DutyRequest};
pub use keeping::{Keeping, Kept};
pub use opening::{Desk, Stay, throwaway_engine};
pub use protocol::{Ending, Given, Reply, Request, SecretBytes, Start, Taken, Which};
pub use question::{ask_each, ask_once};
pub use tokens::{TokenReply, TokenRequest};
