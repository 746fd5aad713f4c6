//! Looking at notices that are not delivered, and trying them again.
//!
//! A receiver is a name here. Its address may be a secret, and what it answered may repeat the
//! address: neither is told, and why it took nothing is told in words of our own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_duty::notice::{Delivery, Kind, Notice, Outbox};
use windlass_engine::clock::Millis;
use windlass_engine::id::RunId;

use super::runs::limit;
use crate::console::{Console, blocking};
use crate::endpoint::{Answer, Call};
use crate::problem::Problem;

/// Where a notice stands. One that its receiver has taken is not kept.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Stands {
    /// It is still to be delivered.
    Waiting,
    /// It was tried for a day in vain, and is not tried any more.
    GivenUp,
}

/// A notice that is not delivered.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Undelivered {
    /// Its name, for a retry.
    id: String,
    /// The name of the receiver.
    to: String,
    /// Where it stands.
    status: Stands,
    /// Since when it is to be delivered.
    since: Millis,
    /// How often that was tried.
    attempts: u32,
    /// When it is tried next; never, if it was given up.
    next: Option<Millis>,
    /// Why the receiver did not take it. `windlass notices list` on that machine says more.
    problem: Option<String>,
    /// What it is about.
    about: Kind,
    /// When that happened.
    at: Millis,
    /// In one line.
    title: String,
    /// More lines: what is known, and what to do.
    lines: Vec<String>,
    /// Which run.
    run: Option<RunId>,
    /// Its runbook.
    runbook: Option<String>,
    /// Which schedule.
    schedule: Option<String>,
}

impl From<Delivery> for Undelivered {
    fn from(delivery: Delivery) -> Self {
        let Notice { kind, at, title, lines, run, runbook, schedule, .. } = delivery.notice;
        let status = if delivery.given_up { Stands::GivenUp } else { Stands::Waiting };
        Undelivered {
            id: delivery.id,
            to: delivery.to,
            status,
            since: delivery.since,
            attempts: delivery.attempts,
            next: Some(delivery.next).filter(|_| !delivery.given_up),
            problem: delivery.trouble.map(|trouble| trouble.to_string()),
            about: kind,
            at,
            title,
            lines,
            run,
            runbook,
            schedule,
        }
    }
}

/// Which notices to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Behind {
    /// Only those behind: `next` of the page before.
    after: Option<String>,
    /// How many; 50, if it is left out.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u16>,
}

/// Notices that are not delivered: by receiver, and then in the order of what happened.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct NoticePage {
    notices: Vec<Undelivered>,
    /// `after` of the next page, if there is more.
    next: Option<String>,
}

/// Lists the notices that are not delivered.
pub(crate) async fn list(
    console: Console,
    call: Call<Behind, ()>,
) -> Result<Answer<NoticePage>, Problem> {
    let Behind { after, limit: given } = call.query;
    let limit = limit(given, 500)?;
    let outbox = outbox(&console);
    let listing = blocking(move || outbox.page(&after.unwrap_or_default(), limit + 1));
    let mut page = listing.await??;
    let more = page.len() > limit;
    page.truncate(limit);
    let next = page.last().filter(|_| more).map(Delivery::mark);
    Ok(NoticePage { notices: page.into_iter().map(Undelivered::from).collect(), next }.into())
}

/// What to try again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Again {
    /// The notice; all, if it is left out.
    #[serde(default)]
    id: Option<String>,
}

/// How many are tried again.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Retried {
    retried: usize,
}

/// Tries notices again.
pub(crate) async fn retry(
    console: Console,
    call: Call<(), Again>,
) -> Result<Answer<Retried>, Problem> {
    let outbox = outbox(&console);
    let retrying = blocking(move || outbox.retry(call.body.id.as_deref()));
    Ok(Retried { retried: retrying.await??.len() }.into())
}

/// The daemon knows who is to be told; here it matters only what is kept.
fn outbox(console: &Console) -> Outbox {
    Outbox::new(&console.engine, [])
}
