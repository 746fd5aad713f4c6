//! Rehearsals: a runbook is tried on a copy of the swarm, with everything that can go wrong.
//!
//! ```text
//! live swarm --snapshot--> file --> simulated swarm --scene--> clean pass --trace--> faults
//!   faults --play--> passes, each judged by the oracle --> Report --> terminal, page
//! ```
//!
//! [`snapshot`] takes the shape of a swarm and leaves behind what must stay there. A [`Theatre`]
//! plays passes on copies of it: the engine, the steps and the Docker client are the real ones, the
//! daemon is simulated, its clock virtual, the disk in memory, and values of secrets made up.
//! [`report`] is what the passes found, and [`page`] makes one HTML file of it.

mod by_hand;
mod clock;
mod faults;
mod oracle;
pub mod page;
mod people;
mod play;
mod prospect;
mod rehearse;
pub mod report;
mod scene;
pub mod snapshot;
mod stage;
mod story;
mod theatre;
mod trace;
mod variant;

pub use prospect::{Prospect, prospect};
pub use rehearse::{Options, Progress, RehearsalError, rehearse};
pub use theatre::Theatre;
pub use variant::{May, Moment, Strike, Variant};
