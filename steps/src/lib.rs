//! The steps of Windlass: they touch the world, and know no journal.
pub mod docker;
