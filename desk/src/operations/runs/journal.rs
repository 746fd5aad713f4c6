//! Show the journal of a run.

use std::time::Duration;

use serde_json::{Map, Value};
use windlass_engine::clock::Millis;
use windlass_engine::engine::Engine;
use windlass_engine::id::RunId;
use windlass_engine::journal::{Body, Entry};

use super::super::prelude::*;
use super::super::{VIEWER, limit};
use super::{NO_RUN, in_full};
use crate::problem::bug;
use crate::stream::{LINES, Lines};

/// How often it is looked whether the run is still driven.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Which part of a journal.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Only what comes behind this entry: `next` of the part before.
    pub after: Option<u64>,
    /// How many; 50, if omitted. All, if they come as lines.
    #[schemars(range(min = 1, max = 5000))]
    pub limit: Option<u16>,
    /// As lines: go on with what is added while the run is driven.
    pub follow: Option<bool>,
}

/// An entry of a journal.
#[derive(JsonSchema)]
#[schemars(rename = "Record")]
#[expect(dead_code, reason = "the schema of what an entry is written as")]
struct Record {
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
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Journal")]
pub struct JournalPart {
    /// The entries.
    #[schemars(with = "Vec<Record>")]
    pub entries: Vec<Entry>,
    /// `after` of the next part, if there is more.
    pub next: Option<u64>,
}

/// Show the journal of a run.
pub struct Journal;

impl Operation for Journal {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/runs/{run}/journal";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "Show the journal of a run";
    const MEANT: Meant = Meant::Latest;
    const CONTENT: &'static str = LINES;
    const HEADERS: &'static [(&'static str, &'static str)] =
        &[("accept", "`application/jsonl`, to have all of it, an entry in each line.")];
    const REFUSES: &'static [Kind] = NO_RUN;
    type Query = Part;
    type Body = ();
    type Answer = JournalPart;

    async fn carry_out(desk: Desk, call: Call<Part, ()>) -> Result<Answer<JournalPart>, Problem> {
        let (run, after, most) = (call.run(), call.query.after, limit(call.query.limit, 5000)?);
        let entries = read(&desk, &run).await?;
        if entries.is_empty() {
            // There is none: why not is what its view says.
            in_full(&desk, run.clone()).await?;
        }
        let mut behind =
            entries.into_iter().filter(move |entry| after.is_none_or(|after| entry.seq > after));
        if call.accepts(LINES) {
            let (lines, response) = Lines::begin();
            let follow = call.query.follow == Some(true);
            tokio::spawn(go_on(desk, run, behind.collect(), follow, lines));
            return Ok(Answer::other(response));
        }
        let entries: Vec<Entry> = behind.by_ref().take(most).collect();
        let next = behind.next().and_then(|_| entries.last().map(|last| last.seq));
        Ok(JournalPart { entries, next }.into())
    }
}

async fn read(desk: &Desk, run: &RunId) -> Result<Vec<Entry>, Problem> {
    let _reading = desk.replays.acquire().await.map_err(|_| bug("nobody may read"))?;
    let (engine, of) = (desk.engine.clone(), run.clone());
    Ok(blocking(move || engine.entries(&of)).await??)
}

/// Sends entries, and those that are added while the run is driven if that is asked for.
async fn go_on(desk: Desk, run: RunId, first: Vec<Entry>, follow: bool, lines: Lines) {
    let mut events = desk.engine.subscribe();
    let mut next = first.last().map_or(0, |last| last.seq + 1);
    let mut entries = first;
    loop {
        for entry in &entries {
            if lines.send(entry).await.is_err() {
                return;
            }
        }
        // It is let go of a moment after its last entry, and no event tells of that.
        let last = entries.last().map(|entry| &entry.body);
        if !follow || matches!(last, Some(Body::Finished { .. } | Body::Stuck { .. })) {
            return lines.end(Ok(())).await;
        }
        let over = !desk.engine.is_driven(&run);
        entries = match read(&desk, &run).await {
            Ok(entries) => entries.into_iter().filter(|entry| entry.seq >= next).collect(),
            Err(problem) => return lines.end(Err(problem)).await,
        };
        next = entries.last().map_or(next, |last| last.seq + 1);
        if entries.is_empty() && over {
            return lines.end(Ok(())).await;
        }
        if entries.is_empty() {
            tokio::select! {
                () = happens(&desk.engine, &run, &mut events) => {}
                // That it was parked is told by no event.
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = lines.closed() => return,
            }
        }
    }
}

/// Returns once something happens in a run, or it is let go of.
async fn happens(
    engine: &Engine,
    run: &RunId,
    events: &mut tokio::sync::broadcast::Receiver<windlass_engine::event::Event>,
) {
    loop {
        match events.recv().await {
            Ok(event) if event.run != *run && engine.is_driven(run) => {}
            _ => return,
        }
    }
}
