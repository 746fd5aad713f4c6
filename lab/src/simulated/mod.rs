//! A swarm that is not there: the Docker Engine API over a Unix socket, answered from a model.
//!
//! A rehearsal needs the swarm of production, thousands of services and faults at will, and it
//! needs hours to pass in a moment. No real lab can do that. This one behaves as Docker 20.10
//! does (API 1.41), in its texts and status codes too, as far as services, tasks, nodes, secrets
//! and configs go; whatever else is asked gives `page not found`.
//!
//! ```text
//!  socket --> api/server --> fault --> api/route --> model --> answer
//!                              ^                       ^
//!                         set_faults              edit, advance_to, flow
//! ```
//!
//! Time is virtual: between two calls nothing moves. [`Simulated::advance_to`] handles what is due
//! until then; [`Simulated::flow`] lets it follow the clock on the wall. IDs come from a seed. The
//! same calls at the same times therefore give the same swarm, and [`Simulated::fork`] a second
//! one to try something else in.
//!
//! Containers do not run, of course. The model knows what `sleep`, `true`, `false` and `exit` in a
//! shell do, and the lab's own image ([`crate::image`]), whose fate depends on its secrets; all
//! else runs until it is stopped.
//!
//! ```no_run
//! # async fn demo() -> std::io::Result<()> {
//! use windlass_lab::simulated::{Simulated, SimulatedSpec};
//! let swarm = Simulated::new(&SimulatedSpec { nodes: 5, services: 20, ..Default::default() });
//! let served = swarm.serve(std::path::Path::new("/tmp/practice.sock")).await?;
//! let flow = swarm.flow(10.0);
//! # drop((served, flow));
//! # Ok(())
//! # }
//! ```

mod api;
mod demo;
mod edit;
mod fault;
mod flow;
mod handle;
mod look;
mod model;
mod snapshot;
mod spec;

pub use api::server::Served;
pub use edit::Edit;
pub use fault::{Fault, On, Request, What};
pub use flow::Flow;
pub use handle::Simulated;
pub use look::{
    ConfigNow, NodeNow, Outage, Removal, SecretNow, ServiceNow, ServingNow, TaskNow, World,
};
pub use model::leader::ELECTION_MS;
pub use snapshot::Snapshot;
pub use spec::{Millis, SimulatedSpec, Timings};
