//! `windlass lab`: a throwaway swarm on this machine, real or simulated.

use std::path::PathBuf;

use windlass_engine::clock::{Clock, SystemClock};
use windlass_lab::simulated::{Simulated, SimulatedSpec};
use windlass_lab::{LabError, LabSpec, packages};

use super::run::asked_to_stop;
use crate::args::LabAction;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, dim};
use crate::show::table::columns;

/// Does what is asked of labs.
pub async fn lab(settings: &Settings, action: LabAction) -> Result<Exit, Problem> {
    match action {
        LabAction::Up { simulated: true, nodes, managers, services, socket, speed, .. } => {
            let spec = SimulatedSpec { nodes, managers, services, ..SimulatedSpec::default() };
            simulate(spec, socket, speed).await?;
        }
        LabAction::Up { nodes, managers, name, install, engine, .. } => {
            provide(install).await?;
            let mut spec = LabSpec::new(&name, nodes);
            spec.managers = managers;
            // Nodes start elsewhere.
            spec.engine = engine.map(|engine| engine.canonicalize().unwrap_or(engine));
            let lab = windlass_lab::up(&spec, &|text: &str| show::note(&dim(text))).await;
            let lab = lab.map_err(|e| problem(&e))?;
            show::note(&format!(
                "the lab {name} is up; {} for the docker command line:",
                bold("environment")
            ));
            show::line(&format!("export DOCKER_HOST={}", lab.docker_host()));
        }
        LabAction::Down { name } => {
            let lab = windlass_lab::find(&name).map_err(|e| problem(&e))?;
            lab.down().await.map_err(|e| problem(&e))?;
            show::note(&format!("the lab {name} is down, and nothing of it is left"));
        }
        LabAction::Status => status(settings).await,
        LabAction::Env { name } => {
            let lab = windlass_lab::find(&name).map_err(|e| problem(&e))?;
            if settings.json {
                show::json(&serde_json::json!({ "DOCKER_HOST": lab.docker_host() }));
            } else {
                show::line(&format!("export DOCKER_HOST={}", lab.docker_host()));
            }
        }
    }
    Ok(Exit::Done)
}

/// Serves a simulated swarm until it is told to end.
async fn simulate(
    mut spec: SimulatedSpec,
    socket: Option<PathBuf>,
    speed: f64,
) -> Result<(), Problem> {
    if !(1..=spec.nodes).contains(&spec.managers) || !speed.is_normal() || speed < 0.0 {
        let message =
            "there must be at least one manager, no more managers than nodes, and a speed above 0";
        return Err(Problem::new("WL0002", Exit::Usage, message));
    }
    spec.start = SystemClock.now();
    // A swarm of its own each time, with IDs that no other has.
    spec.seed = (u64::from(std::process::id()) << 44) ^ spec.start.unsigned_abs();
    let swarm = Simulated::new(&spec);
    let own = std::env::temp_dir().join(format!("windlass-simulated-{}.sock", std::process::id()));
    let socket = socket.unwrap_or(own);
    let served = swarm.serve(&socket).await.map_err(|error| {
        let message = format!("failed to listen on {}: {error}", socket.display());
        Problem::new("WL0050", Exit::OutOfReach, message)
    })?;
    let flow = swarm.flow(speed);
    show::note(&format!(
        "a simulated swarm of {} nodes and {} services answers until Ctrl-C; {} for the docker \
         command line:",
        spec.nodes,
        spec.services,
        bold("environment")
    ));
    show::line(&format!("export DOCKER_HOST={}", served.docker_host()));
    asked_to_stop().await;
    drop((flow, served));
    show::note("the simulated swarm has stopped");
    Ok(())
}

async fn status(settings: &Settings) {
    let mut rows = vec![["LAB", "NODE", "ADDRESS", "STATE", "API"].map(String::from).to_vec()];
    let mut all = Vec::new();
    for lab in windlass_lab::list() {
        for node in lab.status().await {
            let state = if node.is_up() { "up" } else { "down" };
            let api = node.api_version.clone().unwrap_or_default();
            let cells = [&lab.name, &node.name, &node.address.to_string(), state, &api];
            rows.push(cells.map(|cell: &str| cell.to_owned()).to_vec());
            all.push(serde_json::json!({
                "lab": lab.name, "node": node.name, "address": node.address, "state": state, "api": api,
            }));
        }
    }
    if settings.json {
        show::json(&all);
    } else if rows.len() == 1 {
        show::note("no lab is up");
    } else {
        columns(&rows).iter().for_each(|row| show::line(row));
    }
}

/// Makes sure that the programs that a lab needs are there.
pub async fn provide(install: bool) -> Result<(), Problem> {
    let missing = packages::missing();
    if missing.is_empty() {
        return Ok(());
    }
    if !install {
        let message = format!("Debian packages are missing: {}", missing.join(", "));
        return Err(Problem::new("WL0050", Exit::OutOfReach, message)
            .hint("Add --install, as root; or apt-get install them."));
    }
    show::note(&format!("installing {}", missing.join(", ")));
    let installed = packages::install(&missing).await;
    installed.map_err(|e| Problem::new("WL0050", Exit::OutOfReach, e.to_string()))
}

/// Returns the problem that an error of the lab is.
pub fn problem(error: &LabError) -> Problem {
    Problem::new("WL0050", Exit::OutOfReach, format!("failed to {error}"))
}
