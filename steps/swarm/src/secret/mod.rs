//! Steps about secrets.

mod ansible;
pub mod create;
pub mod find;
mod label;
mod name;
pub mod next_name;
pub mod remove;
mod value;

pub use ansible::AnsibleKey;
pub use value::Newline;
