//! What machines ask: is it alive, is it ready, how much has it done, what can it be asked, what
//! happens.

mod document;
mod events;
mod healthz;
mod metrics;
mod readyz;

pub use document::Document;
pub use events::AllEvents;
pub use healthz::Alive;
pub use metrics::Metrics;
pub use readyz::Ready;

const TEXT: &str = "text/plain; charset=utf-8";
