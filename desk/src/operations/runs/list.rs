//! List runs, newest first.

use windlass_engine::clock::{Millis, millis};
use windlass_engine::event::{Status, Summary};
use windlass_engine::id::RunId;
use windlass_engine::step::Span;

use super::super::prelude::*;
use super::super::{VIEWER, limit};

/// The most runs in one page.
const LIMIT_MAX: u16 = 10_000;

/// Which runs to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Only those that have not finished, or only those that have.
    pub open: Option<bool>,
    /// Only those that stand so.
    pub status: Option<Status>,
    /// Only those of this runbook.
    pub runbook: Option<String>,
    /// Only runs whose runbook has this in its name.
    pub runbook_like: Option<String>,
    /// Only those that began so long ago at most, such as `2h`.
    pub since: Option<Span>,
    /// Only those that began before this run: `next` of the page before.
    pub before: Option<RunId>,
    /// How many; 50, if omitted.
    #[schemars(range(min = 1, max = LIMIT_MAX))]
    pub limit: Option<u16>,
}

/// Runs, newest first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// The runs.
    pub runs: Vec<Summary>,
    /// `before` of the next page, if there is more.
    pub next: Option<RunId>,
}

impl Which {
    fn fits(&self, run: &Summary, now: Millis) -> bool {
        let since = self.since.map(|span| now.saturating_sub(millis(span.0)));
        self.open.is_none_or(|open| open == run.is_open())
            && self.status.is_none_or(|status| status == run.status)
            && self.runbook.as_ref().is_none_or(|name| *name == run.runbook)
            && self.runbook_like.as_ref().is_none_or(|part| run.runbook.contains(part.as_str()))
            && since.is_none_or(|since| run.began >= since)
            && self.before.as_ref().is_none_or(|before| run.run < *before)
    }
}

/// List runs, newest first.
pub struct List;

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/runs";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "List runs, newest first";
    type Query = Which;
    type Body = ();
    type Answer = Page;

    async fn carry_out(desk: Desk, call: Call<Which, ()>) -> Result<Answer<Page>, Problem> {
        let (which, engine) = (call.query, desk.engine);
        let limit = limit(which.limit, LIMIT_MAX)?;
        let page = blocking(move || {
            let (now, runs) = (engine.clock().now(), engine.runs(which.open == Some(true))?);
            let fitting = runs.into_iter().rev().filter(|run| which.fits(run, now));
            let mut runs: Vec<Summary> = fitting.take(limit + 1).collect();
            let more = runs.len() > limit;
            runs.truncate(limit);
            let next = runs.last().filter(|_| more).map(|last| last.run.clone());
            Ok::<_, Problem>(Page { runs, next })
        });
        Ok(page.await??.into())
    }
}
