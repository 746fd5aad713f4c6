//! Questions: asked of whoever owns the state, answered, and the desk is left again.

use super::{Desk, Reply, Request, Stay};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::show;

/// Asks, and hands over every part of the answer.
///
/// # Errors
/// If the state is out of reach, or the request was not carried out.
pub async fn ask_each(
    settings: &Settings,
    request: Request,
    mut each: impl FnMut(Reply),
) -> Result<(), Problem> {
    let desk = Desk::open(settings, Stay::Short).await?;
    let mut replies = desk.ask(request).await?;
    let mut result = Ok(());
    while let Some(reply) = replies.recv().await {
        match reply {
            Reply::Problem { problem } => result = Err(problem),
            reply => each(reply),
        }
        // `windlass log RUN -f | head` has nothing left to do.
        if show::reader_is_gone() {
            break;
        }
    }
    desk.close().await;
    result
}

/// Asks, and returns the one part of the answer that is wanted.
///
/// # Errors
/// As [`ask_each`]; and if the answer ends without that part.
pub async fn ask_once<T>(
    settings: &Settings,
    request: Request,
    wanted: impl Fn(Reply) -> Option<T>,
) -> Result<T, Problem> {
    let mut answer = None;
    let each = |reply| answer = wanted(reply).or_else(|| answer.take());
    ask_each(settings, request, each).await?;
    answer.ok_or_else(|| Problem::bug("the engine broke the answer off"))
}
