//! Memory for secret values: wiped when dropped, never shown.

mod buffer;
mod value;

pub use buffer::SecretBuffer;
pub use value::{Secret, as_text};
