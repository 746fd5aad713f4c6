//! Tokens, and the audit of what was asked.

mod add;
mod audit;
mod list;
mod remove;

pub use add::{Add, Made};
pub use audit::{AuditLog, AuditPage, AuditPart};
pub use list::{List, TokenList};
pub use remove::Remove;
