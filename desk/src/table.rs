//! The one list of what can be asked, and who may ask it.
//!
//! The router, the check of roles, the document and the tests of both are made from it: what is not
//! here can't be reached.

use crate::api::{
    acts, admin, answers, keyed, notices, plain, runbooks, runs, schedules, start, watch,
};
use crate::endpoint::{Endpoint, Method};
use crate::problem::Kind;
use crate::role::{Need, Role};

use Method::{Delete, Get, Post};

const ANYBODY: Need = Need::Nothing;
const VIEWER: Need = Need::OneOf(&[Role::Viewer]);
const OPERATOR: Need = Need::OneOf(&[Role::Operator]);
const APPROVER: Need = Need::OneOf(&[Role::Approver]);
const AUTHOR: Need = Need::OneOf(&[Role::Author]);
const ADMIN: Need = Need::OneOf(&[Role::Admin]);
/// An operator starts what is in the library; an author starts any text. Which of both a request
/// needs is seen in its body: `api/start.rs`.
const STARTER: Need = Need::OneOf(&[Role::Operator, Role::Author]);

const OK: &[(u16, &str)] = &[(200, "Here it is.")];
const STARTED: &[(u16, &str)] =
    &[(201, "The run is recorded, and goes on by itself."), (200, "This key started it before.")];
const ACCEPTED: &[(u16, &str)] = &[(200, "It is recorded. The run as it stands.")];
const CHANGED: &[(u16, &str)] = &[(200, "It is recorded. The schedule as it stands.")];
const AGAIN: &[(u16, &str)] = &[(200, "They are tried again.")];
const MADE: &[(u16, &str)] = &[(201, "It is made, and shown this once.")];
const GONE: &[(u16, &str)] = &[(204, "It is gone.")];
const STREAM: &[(u16, &str)] = &[(200, "Events, until the run is over.")];
const RUN_STREAM: &[(u16, &str)] =
    &[(200, "Events, until the run is over."), (204, "The run is over, and you have all of it.")];

const NO_RUN: &[Kind] = &[Kind::NO_RUN, Kind::PRUNED];
const NO_RUNBOOK: &[Kind] = &[Kind::NO_RUNBOOK, Kind::DOES_NOT_COMPILE];
const NOT_NOW: &[Kind] = &[
    Kind::NO_RUN,
    Kind::PRUNED,
    Kind::IN_USE,
    Kind::OVER,
    Kind::STUCK,
    Kind::PAST_PIVOT,
    Kind::NOT_NOW,
    Kind::PARAMETERS,
];
const NOT_COUNTED: &[Kind] = &[
    Kind::NO_RUN,
    Kind::PRUNED,
    Kind::OVER,
    Kind::NOT_NOW,
    Kind::PARAMETERS,
    Kind::NOT_COUNTED,
    Kind::IN_THE_OPEN,
];
const NO_START: &[Kind] = &[
    Kind::NO_RUNBOOK,
    Kind::DOES_NOT_COMPILE,
    Kind::PARAMETERS,
    Kind::LOCKED,
    Kind::OWN_GROUND,
    Kind::IN_THE_OPEN,
    Kind::OTHER_REQUEST,
];
const NO_SCHEDULE: &[Kind] = &[Kind::NO_SCHEDULE];
const NO_PAUSE: &[Kind] = &[Kind::NO_SCHEDULE, Kind::PARAMETERS];
const NO_RESUME: &[Kind] = &[Kind::NO_SCHEDULE, Kind::FIXED_SCHEDULE];
const NO_PLAN: &[Kind] = &[
    Kind::NO_RUNBOOK,
    Kind::DOES_NOT_COMPILE,
    Kind::PARAMETERS,
    Kind::WOULD_FAIL,
    Kind::IN_THE_OPEN,
];

/// Returns the endpoints.
#[rustfmt::skip]
pub fn table() -> Vec<Endpoint> {
    vec![
        Endpoint::json(Get, "/api/v1/runs", VIEWER, "List runs, newest first", runs::list).succeeding(OK),
        Endpoint::json(Post, "/api/v1/runs", STARTER, "Start a run of the library (operator), or of a text (author)", start::start)
            .changing().succeeding(STARTED).refusing(NO_START)
            .heeding(&[(keyed::HEADER, "A word of your own: the same one never starts two runs, however often the request is repeated.")]),
        Endpoint::json(Get, "/api/v1/runs/{run}", VIEWER, "Show a run", runs::show).succeeding(OK).refusing(NO_RUN),
        Endpoint::json(Get, "/api/v1/runs/{run}/journal", VIEWER, "Show the journal of a run", runs::journal).succeeding(OK).refusing(NO_RUN),
        Endpoint::json(Get, "/api/v1/runs/{run}/plan", VIEWER, "Say what a resume would do", runs::plan).succeeding(OK).refusing(NOT_NOW),
        Endpoint::raw("/api/v1/runs/{run}/events", VIEWER, "Watch a run, from its beginning or from where you left off", "text/event-stream", watch::run)
            .succeeding(RUN_STREAM).refusing(NO_RUN)
            .heeding(&[(watch::HEADER, "The `id` of the last event that you have.")]),
        Endpoint::json(Post, "/api/v1/runs/{run}/resume", OPERATOR, "Go on with a run that was interrupted", acts::resume).changing().succeeding(ACCEPTED).refusing(NOT_NOW),
        Endpoint::json(Post, "/api/v1/runs/{run}/undo", OPERATOR, "Take back what an interrupted or stuck run did", acts::undo).changing().succeeding(ACCEPTED).refusing(NOT_NOW),
        Endpoint::json(Post, "/api/v1/runs/{run}/cancel", OPERATOR, "Stop a run, and take back what it did", acts::cancel).changing().succeeding(ACCEPTED).refusing(NOT_NOW),
        Endpoint::json(Post, "/api/v1/runs/{run}/retry", OPERATOR, "Try the call over which a run is stuck again, at the next resume", acts::retry).changing().succeeding(ACCEPTED).refusing(NOT_NOW),
        Endpoint::json(Post, "/api/v1/runs/{run}/skip", OPERATOR, "Leave the call over which a run is stuck out", acts::skip).changing().succeeding(ACCEPTED).refusing(NOT_NOW),
        Endpoint::json(Post, "/api/v1/runs/{run}/mark-done", OPERATOR, "Take the call over which a run is stuck as done by hand", acts::mark_done).changing().succeeding(ACCEPTED).refusing(NOT_NOW),
        Endpoint::json(Post, "/api/v1/runs/{run}/approve", APPROVER, "Say yes to what a run asks", answers::approve).changing().succeeding(ACCEPTED).refusing(NOT_COUNTED),
        Endpoint::json(Post, "/api/v1/runs/{run}/deny", APPROVER, "Say no to what a run asks", answers::deny).changing().succeeding(ACCEPTED).refusing(NOT_COUNTED),
        Endpoint::json(Post, "/api/v1/runs/{run}/answer", OPERATOR, "Tell a run what it asks", answers::answer).changing().succeeding(ACCEPTED).refusing(NOT_COUNTED),

        Endpoint::raw("/api/v1/events", VIEWER, "Watch all runs, from now on or from where you left off", "text/event-stream", watch::all)
            .succeeding(STREAM)
            .heeding(&[(watch::HEADER, "The `id` of the last event that you have.")]),

        Endpoint::json(Get, "/api/v1/runbooks", VIEWER, "List the runbooks of the library", runbooks::list).succeeding(OK),
        Endpoint::json(Get, "/api/v1/runbooks/{name}", VIEWER, "Describe a runbook", runbooks::show).succeeding(OK).refusing(NO_RUNBOOK),
        Endpoint::json(Post, "/api/v1/runbooks/{name}/plan", OPERATOR, "Say what a run would do; it reads the swarm, and changes nothing", runbooks::plan).succeeding(OK).refusing(NO_PLAN),
        Endpoint::json(Post, "/api/v1/check", AUTHOR, "Check a text without running it", runbooks::check).succeeding(OK).refusing(&[Kind::PARAMETERS]),
        Endpoint::json(Get, "/api/v1/steps", VIEWER, "List the steps that runbooks can call", runbooks::steps).succeeding(OK),

        Endpoint::json(Get, "/api/v1/schedules", VIEWER, "List the schedules, and when each comes next", schedules::list).succeeding(OK),
        Endpoint::json(Get, "/api/v1/schedules/{name}", VIEWER, "Show a schedule, its next times, and what became of the last ones", schedules::show).succeeding(OK).refusing(NO_SCHEDULE),
        Endpoint::json(Post, "/api/v1/schedules/{name}/pause", OPERATOR, "Let a schedule not come until it is resumed", schedules::pause).changing().succeeding(CHANGED).refusing(NO_PAUSE),
        Endpoint::json(Post, "/api/v1/schedules/{name}/resume", OPERATOR, "Let a paused schedule come again, from its next time on", schedules::resume).changing().succeeding(CHANGED).refusing(NO_RESUME),
        Endpoint::json(Get, "/api/v1/notices", VIEWER, "List the notices that are not delivered", notices::list).succeeding(OK),
        Endpoint::json(Post, "/api/v1/notices/retry", OPERATOR, "Try notices again, now and for another day", notices::retry).changing().succeeding(AGAIN).refusing(&[Kind::NO_NOTICE]),

        Endpoint::json(Get, "/api/v1/tokens", ADMIN, "List tokens; none is shown", admin::tokens).succeeding(OK),
        Endpoint::json(Post, "/api/v1/tokens", ADMIN, "Make a token", admin::add).changing().succeeding(MADE).refusing(&[Kind::PARAMETERS]),
        Endpoint::json(Delete, "/api/v1/tokens/{id}", ADMIN, "Remove a token", admin::remove).changing().succeeding(GONE).refusing(&[Kind::NO_SUCH_TOKEN]),
        Endpoint::json(Get, "/api/v1/audit", ADMIN, "Read who asked for changes, oldest first", admin::audit).succeeding(OK),

        Endpoint::raw("/api/v1/openapi.json", ANYBODY, "This document", "application/json", plain::document).succeeding(OK),
        Endpoint::raw("/healthz", ANYBODY, "Say that the process answers", "text/plain", plain::alive).succeeding(OK),
        Endpoint::raw("/readyz", ANYBODY, "Say whether requests are carried out", "text/plain", plain::ready).succeeding(OK).refusing(&[Kind::STORE]),
        Endpoint::raw("/metrics", VIEWER, "Numbers for Prometheus", "application/openmetrics-text", plain::metrics).succeeding(OK),
    ]
}
