//! The `windlass` command: words in, words out.
//!
//! ```text
//! args -> command/* -> door (the desk, here or in the process that owns the state) -> show/*
//! ```
//!
//! Results go to stdout, everything else to stderr. What the exit codes mean is in [`Exit`].

mod allocator;
mod args;
mod command;
mod config;
mod door;
mod families;
mod home;
mod kill;
mod modules;
mod problem;
mod secret_input;
mod serve;
mod settings;
mod show;
mod supplies;

/// Exit codes, where others find them.
mod exit {
    pub use windlass_desk::Exit;
}

use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::args::Args;
use crate::exit::Exit;
use crate::settings::Settings;

fn main() -> ExitCode {
    let args = Args::parse();
    let settings = Settings::from_environment(&args);
    show::style::init(settings.plain);
    log_to_stderr();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            show::complain(&format!("cannot start worker threads: {error}"));
            return Exit::Bug.into();
        }
    };
    let exit = runtime.block_on(command::dispatch(&settings, args.command));
    // What is still waiting for a disk or a socket must not hold the answer up.
    runtime.shutdown_background();
    exit.into()
}

/// Logs go to stderr when `WINDLASS_LOG` asks for them. Only our own crates: the Docker client logs
/// the bodies of its requests, and those hold secrets.
fn log_to_stderr() {
    let asked = std::env::var("WINDLASS_LOG").unwrap_or_default();
    if asked.is_empty() {
        return;
    }
    let ours = [
        "windlass",
        "windlass_engine",
        "windlass_basic",
        "windlass_swarm",
        "windlass_lab",
        "windlass_rehearsal",
        "windlass_duty",
        "windlass_evidence",
        "windlass_desk",
    ];
    let level = asked.parse::<tracing::Level>().unwrap_or(tracing::Level::INFO);
    let filter = ours.map(|name| format!("{name}={level}")).join(",");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_ansi(false)
        .with_writer(show::log::Lines::default)
        .init();
}
