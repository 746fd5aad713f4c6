//! `windlass snapshot`: the shape of a live swarm, without anything that must stay there.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use windlass_engine::clock::{Clock, SystemClock};
use windlass_engine::step::Family;
use windlass_lab::simulated::Snapshot;
use windlass_rehearsal::snapshot::{self, Taken};
use windlass_swarm::SwarmSteps;
use windlass_swarm::docker::{DockerError, Swarm};

use super::run;
use crate::args::SnapshotArgs;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, green, yellow};

/// Takes a snapshot and writes it.
pub async fn snapshot(settings: &Settings, args: &SnapshotArgs) -> Result<Exit, Problem> {
    let snapshot = take(settings, args.from.as_deref()).await?;
    let text = snapshot::text(&snapshot);
    let Some(file) = &args.output else {
        show::json_text(&text);
        return Ok(Exit::Done);
    };
    write(file, &text)?;
    show::note(&format!(
        "{} {} holds {} nodes, {} services, {} secrets, {} configs, {} networks and {} tasks, and no value of anything",
        green("✓"),
        file.display(),
        snapshot.nodes.len(),
        snapshot.services.len(),
        snapshot.secrets.len(),
        snapshot.configs.len(),
        snapshot.networks.len(),
        snapshot.tasks.len(),
    ));
    let next = format!("windlass rehearse RUNBOOK --snapshot {}", file.display());
    show::note(&format!("  {} rehearses on it", bold(&next)));
    Ok(Exit::Done)
}

/// Takes a snapshot of a swarm: of this one, or of the one that the environment points to.
///
/// # Errors
/// If it can't be reached, or no manager answers.
pub async fn take(settings: &Settings, from: Option<&str>) -> Result<Snapshot, Problem> {
    let mut settings = settings.clone();
    if let Some(host) = from {
        settings.docker.docker_host = Some(host.to_owned());
    }
    // The same look, with the same words for what is wrong, as before a run.
    let place = SwarmSteps::of(&settings.docker).place();
    if let Some(place) = place {
        place.ready().await.map_err(run::out_of_reach)?;
    }
    let swarm = Swarm::from_environment(settings.docker.clone());
    let Taken { snapshot, at_rest } =
        snapshot::take(&swarm, SystemClock.now()).await.map_err(lost)?;
    if !at_rest {
        show::note(&format!(
            "{} the swarm went on changing while it was read: the copy is of several moments",
            yellow("note:")
        ));
    }
    Ok(snapshot)
}

/// Writes a file in one go: whoever reads it sees the old one or the new one. It tells about a
/// swarm, so it is nobody else's to read until its owner says so.
///
/// # Errors
/// If the directory is not there, or can't be written.
pub fn write(file: &Path, text: &str) -> Result<(), Problem> {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(name);
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(&part);
    let written = opened
        .and_then(|mut opened| {
            opened.write_all(text.as_bytes())?;
            opened.sync_all()
        })
        .and_then(|()| std::fs::rename(&part, file));
    written.map_err(|error| {
        let message = format!("{} can't be written: {error}", file.display());
        match std::fs::remove_file(&part) {
            Err(left) if left.kind() != std::io::ErrorKind::NotFound => Problem::new(
                "WL0002",
                Exit::Usage,
                format!("{message}; and {} can't be removed: {left}", part.display()),
            ),
            _ => Problem::new("WL0002", Exit::Usage, message),
        }
        .hint("Name a file in an existing directory that you can write to.")
    })
}

fn lost(error: DockerError) -> Problem {
    let error = error.reading("copy the swarm");
    let problem = Problem::new("WL0014", Exit::OutOfReach, error.message);
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
