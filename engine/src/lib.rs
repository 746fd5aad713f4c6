//! The engine of Windlass: it decides and records.
//!
//! It opens no socket, prints nothing and knows no Docker. Data flows one way, and the modules are
//! in that order:
//!
//! ```text
//! runbook text -> compiled runbook -> run -> call -> journal entry -> event -> view
//!   runbook/        script/           run/   step/    journal/        event/
//! ```
//!
//! [`engine`] holds them together, [`wait`] says what a run can wait for, [`secret`] keeps values sealed on the whole way, and [`clock`]
//! is the only source of time.

pub mod clock;
pub mod engine;
pub mod event;
pub mod id;
pub mod journal;
pub mod mutant;
pub mod run;
pub mod runbook;
pub mod script;
pub mod secret;
pub mod step;
pub mod wait;
