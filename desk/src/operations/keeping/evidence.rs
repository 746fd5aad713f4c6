//! Write the journals of runs, signed.

use windlass_engine::id::RunId;
use windlass_evidence::file;

use super::super::VIEWER;
use super::super::prelude::*;
use crate::stream::{LINES, Lines};

/// Which runs.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Runs {
    /// Their names.
    #[schemars(length(min = 1))]
    pub runs: Vec<String>,
}

/// Write the journals of runs, signed.
pub struct Evidence;

impl Operation for Evidence {
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/v1/evidence";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Write the journals of runs, signed";
    const CONTENT: &'static str = LINES;
    const REFUSES: &'static [Kind] = &[Kind::NO_RUN, Kind::PRUNED];
    type Query = ();
    type Body = Runs;
    type Answer = ();

    async fn carry_out(desk: Desk, call: Call<(), Runs>) -> Result<Answer<()>, Problem> {
        let (by, engine) = (call.origin(&desk)?, desk.engine.clone());
        let runs = blocking(move || {
            let find = |run: &String| Ok(engine.view(&engine.find(run)?)?.summary.run);
            call.body.runs.iter().map(find).collect::<Result<Vec<RunId>, Problem>>()
        });
        let (runs, engine) = (runs.await??, desk.engine);
        Ok(Answer::other(Lines::write(move |out| {
            file::export(&engine, &runs, &by, out).map_err(|error| match error {
                file::WriteError::Archive(error) => Problem::from(error),
                file::WriteError::Io(error) => Kind::NOT_NOW.because(error.to_string()),
            })
        })))
    }
}
