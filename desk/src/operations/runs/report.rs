//! Tell what a run did: what was there, what was done, what is there now.

use serde_json::{Map, Value};
use windlass_evidence::report;

use super::super::VIEWER;
use super::super::prelude::*;
use super::NO_RUN;

/// A report of a run.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Reported {
    /// The report.
    #[schemars(with = "Map<String, Value>")]
    pub report: Box<report::Report>,
}

/// Tell what a run did.
pub struct Report;

impl Operation for Report {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/runs/{run}/report";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str =
        "Tell what a run did: what was there, what was done, what is there now";
    const MEANT: Meant = Meant::Latest;
    const REFUSES: &'static [Kind] = NO_RUN;
    type Query = ();
    type Body = ();
    type Answer = Reported;

    async fn carry_out(desk: Desk, call: Call<(), ()>) -> Result<Answer<Reported>, Problem> {
        let (engine, run) = (desk.engine.clone(), call.run());
        let report = blocking(move || {
            // Why there is none is what its view says.
            engine.view(&run)?;
            Ok::<_, Problem>(report::of_run(&engine, &run)?)
        });
        Ok(Reported { report: Box::new(report.await??) }.into())
    }
}
