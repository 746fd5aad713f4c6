//! `windlass drain`: the owner of the state parks its runs and exits.

use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixStream;

use crate::exit::Exit;
use crate::home::Home;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;

/// Asks the owner to end, as SIGTERM does, and returns when it has let go of the state.
pub async fn drain(settings: &Settings) -> Result<Exit, Problem> {
    let home = Home::open(settings)?;
    let Ok(stream) = UnixStream::connect(home.socket()).await else {
        show::note("no process owns the state: there is nothing to drain");
        return Ok(Exit::Done);
    };
    // The kernel says who listens there.
    let pid = stream.peer_cred().ok().and_then(|peer| peer.pid()).and_then(Pid::from_raw);
    let pid = pid.ok_or_else(|| Problem::bug("the owner of the state has no process ID here"))?;
    drop(stream);
    show::note(&format!(
        "process {} parks its runs after their current calls",
        pid.as_raw_nonzero()
    ));
    kill_process(pid, Signal::TERM).map_err(|error| {
        let message = format!("process {} can't be signalled: {error}", pid.as_raw_nonzero());
        Problem::new("WL0005", Exit::OutOfReach, message)
            .hint("Run `windlass drain` as the user that started it.")
    })?;
    let gone = tokio::task::spawn_blocking(move || home.until_let_go());
    gone.await.map_err(|error| Problem::bug(error.to_string()))??;
    show::note("it has exited; `windlass resume` or `windlass serve` continues the open runs");
    Ok(Exit::Done)
}
