//! Show a run.

use windlass_engine::event::RunView;

use super::super::VIEWER;
use super::super::prelude::*;
use super::{NO_RUN, in_full};

/// Show a run.
pub struct Show;

impl Operation for Show {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/runs/{run}";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Show a run";
    const MEANT: Meant = Meant::Latest;
    const REFUSES: &'static [Kind] = NO_RUN;
    type Query = ();
    type Body = ();
    type Answer = RunView;

    async fn carry_out(desk: Desk, call: Call<(), ()>) -> Result<Answer<RunView>, Problem> {
        Ok(in_full(&desk, call.run()).await?.into())
    }
}
