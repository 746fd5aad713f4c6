//! `windlass demo`.

use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::Settings;

/// To come.
pub async fn demo(_: &Settings, _: bool, _: bool) -> Result<Exit, Problem> {
    Ok(Exit::Bug)
}
