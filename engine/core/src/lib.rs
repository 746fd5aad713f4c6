//! The engine of Windlass: it decides and records.
//!
//! It opens no socket, prints nothing and knows no Docker. Data flows one way, and the modules are
//! in that order:
//!
//! ```text
//! runbook text -> compiled runbook -> run -> call -> journal entry -> event -> view
//!   runbook/        script/           run/   step/   `-------- journal --------'
//! ```
//!
//! [`engine`] holds them together, [`secret`] keeps values sealed on the whole way. What is recorded and what follows
//! from it is a crate of its own, [`journal`], which needs no scripts and no store; stores are another.

pub mod engine;
pub mod mutant;
pub mod run;
pub mod runbook;
pub mod script;
pub mod secret;
pub mod step;

pub use windlass_journal as journal;
pub use windlass_journal::{clock, event, id, wait};
