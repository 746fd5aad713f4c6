//! Steps about secret values, wherever they go afterwards.

pub mod generate;
