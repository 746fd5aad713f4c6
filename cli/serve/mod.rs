//! `windlass serve`: the owner of the state that stays.
//!
//! ```text
//! own the state -> see where we stand -> take every run up -> answer -> ready
//! SIGTERM       -> put every run away -> close the store   -> gone
//! disk full     -> wait for room -> begin anew
//! ```
//!
//! A `kill -9` at any moment leaves what it leaves of any run: the next start takes it up.

mod diary;
mod heads;
mod parts;
mod room;
mod shelf;
mod supervisor;

use std::path::PathBuf;
use std::time::Duration;

use windlass_desk::Listen;
use windlass_engine::engine::{Engine, RunHandle};
use windlass_engine::run::Outcome;
use windlass_swarm::docker::{Endpoint, Swarm};
use windlass_swarm::swarm::own_place::{OwnPlace, own_place};

use crate::command::asked_to_stop;
use crate::config::Config;
use crate::door::{Door, Stay};
use crate::exit::Exit;
use crate::home::Home;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;
use crate::show::style::{bold, yellow};

use parts::Parts;
use room::Room;
use supervisor::Supervisor;

pub use shelf::Shelf;

/// What `windlass serve` is told.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    /// The configuration; /etc/windlass/windlass.toml if it is left out and there is one.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Whose members may ask over the socket of the state directory; else as `[serve] group` says.
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// How many runs are driven at once; the others queue.
    #[arg(long, value_name = "N")]
    pub runs: Option<std::num::NonZeroUsize>,
    /// Where it answers over HTTP, or `off`; else as `[console] listen` says, or 127.0.0.1:7480.
    #[arg(long, value_name = "ADDRESS", env = "WINDLASS_LISTEN")]
    pub listen: Option<Listen>,
}

/// Serves until it is asked to stop.
pub async fn serve(settings: &Settings, args: &ServeArgs) -> Result<Exit, Problem> {
    let mut config = Config::find(args.config.as_deref())?;
    config.console.listen = args.listen.unwrap_or(config.console.listen);
    let patience = config.serve.patience.0;
    let door = open(settings).await?;
    let Some(desk) = door.desk().cloned() else {
        return Err(Problem::bug("the desk of a daemon is elsewhere"));
    };
    let engine = desk.engine().clone();
    if let Some(group) = args.group.as_ref().or(config.serve.group.as_ref()) {
        Home::open(settings)?.let_in(group)?;
    }
    let supervisor = Supervisor::begin();
    engine.drive_at_most(args.runs.unwrap_or(config.serve.runs).get());
    let place = where_we_stand(settings).await;
    // From here on a signal puts runs away, also while they are still taken up.
    let asked = asked_to_stop();
    show::note(&format!(
        "windlass {} serves {}, as {}",
        env!("CARGO_PKG_VERSION"),
        settings.state.display(),
        place.in_words()
    ));
    engine.stands_on(place.locks());
    let diary = diary::keep(&engine);
    take_up(&engine).await?;
    let (room, unready) = Room::watch(journal(settings), engine.store().clone());
    let parts = Parts::begin(&desk, config, unready).await?;
    supervisor.ready();
    tokio::select! {
        () = supervisor.watch_until(asked) => {}
        () = room.until_lost() => return Err(room::begin_anew()),
    }
    supervisor.stopping();
    // First whatever begins runs, then the runs.
    parts.end().await;
    drop(desk);
    put_away(door, &engine, patience).await;
    diary.abort();
    Ok(Exit::Done)
}

/// Becomes the owner of the state. A store that can't be opened because the disk is full is waited
/// for: what a daemon that began anew could not do is to be done when there is room.
async fn open(settings: &Settings) -> Result<Door, Problem> {
    let problem = match Door::open(settings, Stay::Always).await {
        Ok(door) => return Ok(door),
        Err(problem) => problem,
    };
    match room::has_room(&journal(settings)).await {
        // A directory that is not there, or not ours, is no matter of room.
        Err(why) if journal(settings).is_dir() && problem.code == "WL0011" => {
            show::note(&format!("{} the store can't be opened: {why}", yellow("note:")));
            room::until_room(&journal(settings)).await;
            Err(room::begin_anew())
        }
        _ => Err(problem),
    }
}

fn journal(settings: &Settings) -> PathBuf {
    settings.state.join("journal")
}

/// Says where this process stands in the swarm; without a swarm it serves all the same.
async fn where_we_stand(settings: &Settings) -> OwnPlace {
    let local = Endpoint::resolve(&settings.docker).is_ok_and(|e| e.host.starts_with("unix://"));
    let swarm = Swarm::from_environment(settings.docker.clone());
    own_place(&swarm, local).await.unwrap_or_else(|error| {
        show::note(&format!("{} {error}; runs will say so too", yellow("note:")));
        OwnPlace::default()
    })
}

/// Takes up what an earlier process left, and says so.
async fn take_up(engine: &Engine) -> Result<(), Problem> {
    let taking = engine.clone();
    // It asks the swarm which one it is.
    let taken = tokio::task::spawn_blocking(move || taking.resume_all()).await;
    let taken = taken.map_err(|error| Problem::bug(error.to_string()))??;
    let mut going = 0;
    for (run, handle) in taken {
        match handle {
            Ok(handle) => {
                going += 1;
                tokio::spawn(tell_if_left(handle));
            }
            Err(error) => {
                show::note(&format!("{} {run} is left as it is: {error}", yellow("note:")))
            }
        }
    }
    for run in engine.runs(true)?.iter().filter(|run| run.status.is_stuck()) {
        let show = bold(&format!("windlass show {}", run.run));
        show::note(&format!(
            "{} {} is stuck; {show} says what to decide",
            yellow("note:"),
            run.run
        ));
    }
    if going > 0 {
        let runs = if going == 1 { "open run is" } else { "open runs are" };
        show::note(&format!("{going} {runs} resumed"));
    }
    Ok(())
}

/// Says why a run that was taken up is let go of, where its journal does not.
async fn tell_if_left(handle: RunHandle) {
    let run = handle.run.clone();
    if let Outcome::Elsewhere(why) | Outcome::Unrecorded(why) = handle.outcome().await {
        show::note(&format!("{} {run} is left as it is: {why}", yellow("note:")));
    }
}

/// Puts every run away after its current call, and closes the store. What is not through in time is
/// as after a `kill -9`: the next start looks what came of it.
async fn put_away(door: Door, engine: &Engine, patience: Duration) {
    let driven = engine.driven().len();
    show::note(&format!("stopping: {driven} runs are parked after their current calls"));
    if tokio::time::timeout(patience, door.close()).await.is_err() {
        let left = engine.driven();
        let names: Vec<&str> = left.iter().map(|run| run.as_str()).collect();
        show::note(&format!(
            "{} not through after {} s, and left as a kill would leave them: {}",
            yellow("note:"),
            patience.as_secs(),
            names.join(", ")
        ));
    }
}
