//! List the notices that are not delivered.

use serde_json::{Map, Value};
use windlass_duty::notice::{Delivery, Kind as About, Notice};
use windlass_engine::clock::Millis;
use windlass_engine::id::RunId;

use super::super::prelude::*;
use super::super::{VIEWER, limit};
use super::outbox;

/// Where a notice stands. One that its receiver has taken is not kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Stands {
    /// It is still to be delivered.
    Waiting,
    /// It was tried for a day in vain, and is not tried any more.
    GivenUp,
}

/// A notice that is not delivered.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Undelivered {
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
    about: About,
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
    /// All that is kept of it. It is told at the machine alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Map<String, Value>")]
    pub kept: Option<Box<Delivery>>,
}

impl Undelivered {
    fn of(delivery: Delivery, at_machine: bool) -> Self {
        let kept = at_machine.then(|| Box::new(delivery.clone()));
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
            kept,
        }
    }
}

/// Which notices to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Behind {
    /// Only those behind: `next` of the page before.
    pub after: Option<String>,
    /// How many; 50, if omitted.
    #[schemars(range(min = 1, max = 500))]
    pub limit: Option<u16>,
}

/// Notices that are not delivered: by receiver, and then in the order of what happened.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct NoticePage {
    /// The notices.
    pub notices: Vec<Undelivered>,
    /// The names of all who are told.
    pub receivers: Vec<String>,
    /// `after` of the next page, if there is more.
    pub next: Option<String>,
}

/// List the notices that are not delivered.
pub struct List;

impl Operation for List {
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/v1/notices";
    const NEED: Need = VIEWER;
    const ABOUT: &'static str = "List the notices that are not delivered";
    type Query = Behind;
    type Body = ();
    type Answer = NoticePage;

    async fn carry_out(desk: Desk, call: Call<Behind, ()>) -> Result<Answer<NoticePage>, Problem> {
        let Behind { after, limit: given } = call.query;
        let (limit, outbox, here) = (limit(given, 500)?, outbox(&desk), call.peer.is_here());
        let listing = blocking(move || {
            let page = outbox.page(&after.unwrap_or_default(), limit + 1)?;
            Ok::<_, Problem>((page, outbox.known_receivers()?))
        });
        let (mut page, receivers) = listing.await??;
        let more = page.len() > limit;
        page.truncate(limit);
        let next = page.last().filter(|_| more).map(Delivery::mark);
        let notices = page.into_iter().map(|one| Undelivered::of(one, here)).collect();
        Ok(NoticePage { notices, receivers, next }.into())
    }
}
