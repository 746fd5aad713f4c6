//! What happened in a pass, for people.

use windlass_engine::clock::utc;
use windlass_engine::event::{Event, What as Told};
use windlass_engine::journal::How;
use windlass_lab::simulated::{Edit, Fault, Request, What};

use crate::report::{Moment, MomentKind};
use crate::variant::{Strike, Variant};

/// What happened, in the swarm's time from the beginning of the pass.
#[derive(Default)]
pub(crate) struct Story {
    began: i64,
    moments: Vec<Moment>,
}

impl Story {
    /// Begins at a moment of the swarm's clock.
    pub(crate) fn begin(began: i64) -> Self {
        Story { began, moments: Vec::new() }
    }

    /// Tells something that is about no call.
    pub(crate) fn tell(&mut self, at: i64, kind: MomentKind, text: &str) {
        self.add(at, None, kind, text.to_owned());
    }

    /// Takes over what the engine tells.
    pub(crate) fn hear(&mut self, event: &Event) {
        let (lane, kind, text) = match &event.what {
            Told::Created { title, .. } => (None, MomentKind::Note, title.clone()),
            Told::CallBegan { key, says, attempt, .. } => {
                let again =
                    if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
                (Some(key), MomentKind::Began, format!("{says}{again}"))
            }
            Told::CallEnded { key, step, says, how, .. } => {
                let what = if says.is_empty() { step } else { says };
                let found = if *how == How::Probed { ": found done" } else { "" };
                (Some(key), MomentKind::Ended, format!("{what}{found}"))
            }
            Told::CallFailed { key, error, retry_at, .. } => {
                let again = if retry_at.is_some() { "; it will be tried again" } else { "" };
                (Some(key), MomentKind::Failed, format!("{error}{again}"))
            }
            Told::Unwinding { error, key } => {
                (key.as_ref(), MomentKind::Unwinding, format!("the run goes back: {error}"))
            }
            Told::UndoBegan { key, says, .. } => {
                (Some(key), MomentKind::UndoBegan, format!("undo: {says}"))
            }
            Told::UndoEnded { key, says, .. } => {
                (Some(key), MomentKind::UndoEnded, format!("undone: {says}"))
            }
            Told::UndoFailed { key, error, .. } => {
                (Some(key), MomentKind::UndoFailed, format!("could not be undone: {error}"))
            }
            Told::Stuck { error, key } => {
                (key.as_ref(), MomentKind::Stuck, format!("stuck: {error}"))
            }
            Told::Finished { end } => {
                (None, MomentKind::Finished, format!("{end:?}").to_lowercase())
            }
            Told::Waiting { wait } => {
                let until = wait.until.map(|at| format!(", until {}", utc(at)));
                let text = format!("waits: {}{}", wait.says, until.unwrap_or_default());
                (Some(&wait.key), MomentKind::Began, text)
            }
            Told::Answered { key, says, answer, .. } => {
                (Some(key), MomentKind::Ended, format!("{says}: {}", answer.says()))
            }
            Told::Decided { .. }
            | Told::Resumed
            | Told::CallProgressed { .. }
            | Told::Printed { .. }
            | Told::Unknown => return,
        };
        let lane = lane.map(ToString::to_string);
        self.add(event.at, lane, kind, text);
    }

    /// Adds where the faults of a pass struck, from the daemon's log.
    pub(crate) fn strikes(&mut self, variant: &Variant, requests: &[Request]) {
        for strike in &variant.strikes {
            let Strike::Request(fault) = strike else { continue };
            let hit = requests.iter().filter(|r| matches(fault, r));
            let Some(hit) = hit.take(fault.on.nth as usize).last() else { continue };
            let lane = fault.on.call.clone();
            let text = format!("{} at {} {}", said(&fault.what), hit.method, path(&hit.target));
            self.add(hit.at, lane, MomentKind::Fault, text);
        }
        // In the same millisecond, a fault comes before what it did.
        self.moments.sort_by_key(|moment| (moment.at_ms, moment.kind != MomentKind::Fault));
    }

    /// True if something that was told fits.
    pub(crate) fn contains(&self, fits: &dyn Fn(&[u8]) -> bool) -> bool {
        self.moments.iter().any(|moment| fits(moment.text.as_bytes()))
    }

    /// Returns what happened, in order.
    pub(crate) fn moments(self) -> Vec<Moment> {
        self.moments
    }

    fn add(&mut self, at: i64, lane: Option<String>, kind: MomentKind, text: String) {
        self.moments.push(Moment { at_ms: at - self.began, lane, kind, text });
    }
}

fn matches(fault: &Fault, request: &Request) -> bool {
    let call = request.call.as_deref().and_then(|call| call.rsplit('/').next());
    fault.on.call.as_deref().is_none_or(|wanted| call == Some(wanted))
        && fault.on.changing.is_none_or(|changing| request.changing == changing)
}

fn path(target: &str) -> &str {
    target.split('?').next().unwrap_or(target)
}

fn said(what: &What) -> String {
    match what {
        What::Refuse { status, message } => format!("the daemon answers {status}: {message}"),
        What::LoseRequest => "the request is lost".to_owned(),
        What::LoseAnswer => "it is carried out, and the answer is lost".to_owned(),
        What::Twice => "the request arrives twice".to_owned(),
        What::Slow { ms } => format!("the answer takes {} s", ms / 1000),
        What::Away { ms } => format!("the manager goes away for {} s", ms / 1000),
        What::NoQuorum { ms } => format!("the managers lose their leader for {} s", ms / 1000),
        What::Edit(edit) | What::EditAfter(edit) => in_words(edit),
    }
}

/// Returns what somebody does, in words.
pub(crate) fn in_words(edit: &Edit) -> String {
    match edit {
        Edit::Stall { service } => format!("from now on no task of {service} gets up"),
        Edit::FailTasks { service, .. } => format!("from now on tasks of {service} fail"),
        Edit::FailAllButOne { service } => {
            format!("from now on all tasks of {service} but one fail")
        }
        Edit::LeaderChange { ms } => {
            format!("the managers have no leader for {} s, and then another one", ms / 1000)
        }
        Edit::CreateSecret { name, .. } => format!("somebody else makes a secret {name}"),
        Edit::RemoveService { name } => format!("somebody else removes {name}"),
        Edit::SlowStart { service, .. } => format!("from now on tasks of {service} start slowly"),
        Edit::Env { service, .. } => format!("somebody else changes {service}"),
        Edit::CreateService { name, secret } => {
            format!("somebody deploys {name}, which uses {secret}")
        }
        Edit::ForceUpdate { service } => format!("`docker service update --force {service}`"),
        Edit::SecretRefs { service, to, .. } => format!("somebody switches {service} to {to}"),
        other => format!("somebody else: {other:?}"),
    }
}
