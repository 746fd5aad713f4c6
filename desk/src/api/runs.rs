//! Looking at runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use windlass_engine::clock::Millis;
use windlass_engine::event::{RunView, Status, Summary};
use windlass_engine::id::RunId;
use windlass_engine::journal::Entry;
use windlass_engine::run::OpenCall;

use crate::console::{Console, blocking, blocking_on};
use crate::endpoint::{Answer, Call};
use crate::problem::{Kind, Problem, bug};

/// Which runs to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Only those that are not over, or only those that are.
    open: Option<bool>,
    /// Only those that stand so.
    status: Option<Status>,
    /// Only those of this runbook.
    runbook: Option<String>,
    /// Only those that began before this run: `next` of the page before.
    before: Option<RunId>,
    /// How many; 50, if it is left out.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
}

/// Runs, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Page {
    runs: Vec<Summary>,
    /// `before` of the next page, if there is more.
    next: Option<RunId>,
}

/// Returns how many things to list.
///
/// # Errors
/// If they are none, or too many.
pub(crate) fn limit(given: Option<u16>, most: u16) -> Result<usize, Problem> {
    let limit = given.unwrap_or(50);
    if (1..=most).contains(&limit) {
        return Ok(usize::from(limit));
    }
    Err(Kind::UNREADABLE.because(format!("limit must be from 1 to {most}, and {limit} is not")))
}

/// Lists runs.
pub(crate) async fn list(console: Console, call: Call<Which, ()>) -> Result<Answer<Page>, Problem> {
    let Which { open, status, runbook, before, limit: given } = call.query;
    let limit = limit(given, 500)?;
    let fits = move |run: &Summary| {
        open.is_none_or(|open| open == run.is_open())
            && status.is_none_or(|status| status == run.status)
            && runbook.as_ref().is_none_or(|runbook| *runbook == run.runbook)
            && before.as_ref().is_none_or(|before| run.run < *before)
    };
    let page = blocking(move || {
        let runs = console.engine.runs(open == Some(true))?;
        let fitting = runs.into_iter().rev().filter(fits);
        let mut runs: Vec<Summary> = fitting.take(limit + 1).collect();
        let more = runs.len() > limit;
        runs.truncate(limit);
        let next = runs.last().filter(|_| more).map(|last| last.run.clone());
        Ok::<_, Problem>(Page { runs, next })
    });
    Ok(page.await??.into())
}

/// Shows a run.
pub(crate) async fn show(console: Console, call: Call<(), ()>) -> Result<Answer<RunView>, Problem> {
    Ok(in_full(&console, call.run()).await?.into())
}

/// Returns a run in full.
///
/// # Errors
/// If there is none, or it can't be read.
pub(crate) async fn in_full(console: &Console, run: RunId) -> Result<RunView, Problem> {
    let engine = console.engine.clone();
    Ok(blocking(move || engine.view(&run)).await??)
}

/// Which part of a journal.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    /// Only what comes behind this entry: `next` of the part before.
    after: Option<u64>,
    /// How many; 50, if it is left out.
    #[schemars(range(min = 1, max = 5000))]
    limit: Option<u16>,
}

/// An entry of a journal.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Record {
    /// Format version.
    v: u32,
    /// Place in the run.
    seq: u64,
    /// When it was written.
    at: Millis,
    /// Which opening of the state directory wrote it.
    epoch: u64,
    /// Hash of the record before.
    prev: String,
    /// What happened: its `type`, and what belongs to that.
    body: Map<String, Value>,
}

/// A part of a journal, in order.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Journal {
    entries: Vec<Record>,
    /// `after` of the next part, if there is more.
    next: Option<u64>,
}

/// Shows the journal of a run.
pub(crate) async fn journal(
    console: Console,
    call: Call<Part, ()>,
) -> Result<Answer<Journal>, Problem> {
    let (run, after, limit) = (call.run(), call.query.after, limit(call.query.limit, 5000)?);
    let _reading = console.replays.acquire().await.map_err(|_| bug("nobody may read"))?;
    let (engine, of) = (console.engine.clone(), run.clone());
    let entries = blocking(move || engine.entries(&of)).await??;
    if entries.is_empty() {
        // There is none: why not is what its view says.
        in_full(&console, run).await?;
    }
    let mut behind =
        entries.into_iter().filter(|entry| after.is_none_or(|after| entry.seq > after));
    let entries: Vec<Record> = behind.by_ref().take(limit).map(record).collect::<Result<_, _>>()?;
    let next = behind.next().and_then(|_| entries.last().map(|last| last.seq));
    Ok(Journal { entries, next }.into())
}

fn record(entry: Entry) -> Result<Record, Problem> {
    let Entry { v, seq, at, epoch, prev, body } = entry;
    match serde_json::to_value(&body) {
        Ok(Value::Object(body)) => Ok(Record { v, seq, at, epoch, prev, body }),
        other => Err(bug(&format!("an entry that is no object: {other:?}"))),
    }
}

/// What a resume would do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ResumePlan {
    calls: Vec<OpenCall>,
}

/// Says what a resume would do.
pub(crate) async fn plan(
    console: Console,
    call: Call<(), ()>,
) -> Result<Answer<ResumePlan>, Problem> {
    let (engine, run) = (console.engine.clone(), call.run());
    let planning = blocking_on(async move { engine.plan_resume(&run).await });
    let calls = console.plans.through(planning).await???;
    Ok(ResumePlan { calls }.into())
}
