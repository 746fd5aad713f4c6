//! Runbooks: what an operator wants done, as text.
//!
//! A runbook is a rhai script that begins with its header: lines that start with `//!` and hold
//! TOML. The header says what the runbook is for, what it must be told, and which locks it takes;
//! it can be read without running anything.
//!
//! ```text
//! //! title = "Rotate a secret under its own name"
//! //! locks = ["secret:{secret}"]
//! //!
//! //! [params]
//! //! secret = { type = "string", help = "The secret's name" }
//! //! value  = { type = "secret", help = "Its new value" }
//! ```
//!
//! Functions that runbooks share are in modules; a runbook names those that it uses, and its text has
//! them in it from then on.

mod compiled;
mod header;
mod modules;

pub use compiled::{CompileError, Runbook};
pub use header::Header;
pub use modules::{Modules, NoModules};
pub use windlass_journal::parameter::{Kind as ParameterKind, Parameter, ParameterError};
