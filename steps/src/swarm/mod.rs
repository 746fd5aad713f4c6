//! The step about the swarm as a whole.

pub mod check;
