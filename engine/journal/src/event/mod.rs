//! What people watch: events while it happens, views of what has happened.
//!
//! Both are derived from the journal and never read back as truth. A slow or absent watcher costs
//! a run nothing: events that it misses are lost to it, and the view has everything.

mod safe;
pub mod shown;
mod sink;
mod status;
mod summary;
mod view;
mod wait;

pub use safe::{Act, Needed, Safe, safe};
pub use sink::{Event, EventSink, What};
pub use status::Status;
pub use summary::{Summary, SummaryRecord};
pub use view::{CallView, RunView};
pub use wait::WaitView;
