//! Asking about what has been done, wherever the engine is.

use super::run;
use crate::desk::{Desk, Keeping, Kept, Reply, Request, Stay};
use crate::problem::Problem;
use crate::settings::Settings;

/// Asks, and gives each part of the answer to `each`. Others are answered meanwhile: it may take
/// long.
///
/// # Errors
/// If it can't be answered; or those of `each`.
pub async fn ask(
    settings: &Settings,
    asked: Keeping,
    mut each: impl FnMut(Kept) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let desk = Desk::open(settings, Stay::Long).await?;
    let mut replies = desk.ask(Request::Keep(asked)).await?;
    let mut result = Ok(());
    while let Some(reply) = replies.recv().await {
        result = match reply {
            Reply::Problem { problem } => Err(problem),
            Reply::Kept(kept) => each(kept),
            _ => Ok(()),
        };
        if result.is_err() {
            break;
        }
    }
    drop(replies);
    run::wait_for_others(&desk).await;
    desk.close().await;
    result
}
