//! The program against a real swarm of three nodes: every promise of the rotation runbooks.
//!
//! Each test brings up a lab of its own and takes it down again. Where a test has many cases, they
//! run side by side on one lab, each with its own secret, services and state directory.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

mod ansible;
mod docker_py;
mod kill;
mod oracle;
mod refuse;
mod rig;
mod rotate;
mod service;
mod snapshot;
mod stacks;
mod testkit;
mod trouble;
mod unhealthy;
