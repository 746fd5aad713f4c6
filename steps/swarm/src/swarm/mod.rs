//! The swarm as a whole, and our own place in it.

pub mod check;
pub mod own_place;
pub mod place;
