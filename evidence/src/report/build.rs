//! From a journal to a report.

use windlass_journal::event::Summary;
use windlass_journal::id::{CallKey, RunId};
use windlass_journal::step::Kind;
use windlass_journal::{
    Answer, Archive, Body, Call, CallStatus, Created, Decision, Entry, Origin, RunState, read_chain,
};

use super::facts::{facts, sealed, text};
use super::{
    Decided, Fact, Found, Report, Resumed, Rollback, SecretSeen, Step, rotation, services, timeline,
};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError<E: std::error::Error> {
    /// The journal can't be had.
    #[error(transparent)]
    Archive(E),
    /// The records are no journal.
    #[error(transparent)]
    Damaged(#[from] NoJournal),
}

/// The records are no journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the journal: {0}")]
pub struct NoJournal(pub String);

/// Returns the report of a run.
///
/// # Errors
/// If there is no such run, or its journal is damaged.
pub fn of_run<A: Archive>(archive: &A, run: &RunId) -> Result<Report, ReportError<A::Error>> {
    let records = archive.records(run).map_err(ReportError::Archive)?;
    Ok(of_records(&records, archive.is_driven(run))?)
}

/// Returns the report that the records of a journal make; `driven` if a process drives the run.
///
/// # Errors
/// If they are no journal.
pub fn of_records(records: &[Vec<u8>], driven: bool) -> Result<Report, NoJournal> {
    let damaged = |e: String| NoJournal(e);
    let (entries, head) = read_chain(records).map_err(|e| damaged(e.to_string()))?;
    let state = RunState::of(&entries).map_err(|e| damaged(e.to_string()))?;
    let Some(created) = state.created.clone() else {
        return Err(damaged("it is empty".to_owned()));
    };
    let mut calls: Vec<(&CallKey, &Call)> = state.calls.iter().collect();
    calls.sort_by(|a, b| a.0.cmp(b.0));
    let bars = timeline::bars(&entries);
    let services = services::services(calls.iter().copied());
    Ok(Report {
        status: Summary::of(&created.run, &state, driven).status,
        params: params(&created),
        preconditions: preconditions(&calls),
        steps: steps(&calls, &bars),
        rotation: rotation::rotation(&calls, &services),
        services,
        secrets: secrets(&calls),
        rollback: rollback(&state, &calls),
        decisions: decisions(&entries),
        resumes: resumes(&entries),
        timeline: bars,
        entries: head.seq,
        head: head.prev,
        run: created.run,
        runbook: created.runbook,
        title: created.title,
        text: created.text,
        by: created.by,
        place: created.place,
        version: created.version,
        began: state.began,
        heard: state.heard,
        locks: created.locks,
    })
}

fn params(created: &Created) -> Vec<Fact> {
    let fact = |(name, value): (&String, &serde_json::Value)| Fact {
        name: name.clone(),
        value: text(value),
    };
    created.params.iter().map(fact).collect()
}

/// What was read before the first change; what was read later is part of the steps.
fn preconditions(calls: &[(&CallKey, &Call)]) -> Vec<Found> {
    let changes = calls.iter().filter(|(_, call)| call.kind != Kind::Read);
    let first = changes.map(|(key, _)| *key).min();
    let before = calls
        .iter()
        .filter(|(key, call)| call.kind == Kind::Read && first.is_none_or(|first| *key < first));
    let found = |(key, call): &(&CallKey, &Call)| Found {
        key: (*key).clone(),
        step: call.step.clone(),
        facts: facts(noun(call), &call.output.value()),
    };
    before.map(found).collect()
}

fn steps(calls: &[(&CallKey, &Call)], bars: &[timeline::Bar]) -> Vec<Step> {
    let acts = calls.iter().filter(|(_, call)| call.kind != Kind::Read);
    let step = |(key, call): &(&CallKey, &Call)| {
        let done = bars.iter().find(|bar| bar.key == **key && bar.kind == timeline::BarKind::Done);
        let idle = call.idle_ms;
        Step {
            key: (*key).clone(),
            step: call.step.clone(),
            kind: call.kind,
            says: call.says.clone(),
            status: call.status,
            attempts: call.attempt,
            how: call.how,
            began: call.began,
            took_ms: done.map(|bar| (bar.to - call.began - idle).max(0)),
            before: facts(noun(call), &call.base.value()),
            after: facts(noun(call), &call.output.value()),
            error: call.error.clone(),
        }
    };
    acts.map(step).collect()
}

/// What a call is about: `secret`, of `secret.find`.
fn noun(call: &Call) -> &str {
    call.step.split('.').next().unwrap_or_default()
}

/// A call that takes a sealed value notes its keyed fingerprint in its base, as `mac`.
fn secrets(calls: &[(&CallKey, &Call)]) -> Vec<SecretSeen> {
    let mut seen = Vec::new();
    for (_, call) in calls {
        let (args, base) = (call.args.value(), call.base.value());
        let Some(fingerprint) = base["mac"].as_str() else { continue };
        for value in args.as_object().into_iter().flatten().map(|(_, value)| value) {
            let Some(name) = sealed(value) else { continue };
            seen.push(SecretSeen {
                sealed: name.to_owned(),
                became: text(&call.output.value()),
                fingerprint: fingerprint.to_owned(),
            });
        }
    }
    seen
}

fn rollback(state: &RunState, calls: &[(&CallKey, &Call)]) -> Rollback {
    let those = |status| {
        let those = calls.iter().filter(move |(_, call)| call.status == status);
        those.map(|(key, _)| (*key).clone()).collect()
    };
    Rollback {
        pivot: state.pivot.clone(),
        why: state.unwinding.as_ref().map(|trouble| trouble.error.clone()),
        asked: state.unwinding.as_ref().is_some_and(|trouble| trouble.cancelled),
        taken_back: those(CallStatus::Undone),
        failed: those(CallStatus::UndoFailed),
        left: state.left.iter().filter(|_| state.unwinding.is_some()).cloned().collect(),
    }
}

/// Everything that people said about the run. Approvals and other answers of waits belong here.
fn decisions(entries: &[Entry]) -> Vec<Decided> {
    let decided = |entry: &Entry| match &entry.body {
        Body::Decided { decision, reason, by } => Some(Decided {
            at: entry.at,
            by: by.clone(),
            what: in_words(decision),
            reason: reason.clone(),
        }),
        Body::Answered { key, answer, by, .. } => {
            let (what, reason) = answered(answer)?;
            // Nobody: the time was up, or what was approved has changed.
            let nobody = || Origin { user: "windlass".to_owned(), ..Origin::default() };
            let by = by.clone().unwrap_or_else(nobody);
            Some(Decided { at: entry.at, by, what: format!("call {key}: {what}"), reason })
        }
        _ => None,
    };
    entries.iter().filter_map(decided).collect()
}

/// Returns what people answered, and why; nothing if no person was asked.
fn answered(answer: &Answer) -> Option<(&'static str, String)> {
    Some(match answer {
        Answer::Approved { reason, .. } => ("approved", reason.clone().unwrap_or_default()),
        Answer::Denied { reason } => ("denied", reason.clone()),
        Answer::Given { .. } => ("answered", String::new()),
        Answer::Lapsed { why } => ("the approvals lapsed", why.clone()),
        Answer::Over { .. } | Answer::Failed { .. } => return None,
    })
}

fn in_words(decision: &Decision) -> String {
    match decision {
        Decision::Retry { key } => format!("try call {key} again"),
        Decision::Skip { key } => format!("leave call {key} out"),
        Decision::MarkDone { key, .. } => format!("call {key} was done by hand"),
        Decision::Cancel => "stop, and undo everything".to_owned(),
        Decision::GoOn => "go on".to_owned(),
    }
}

fn resumes(entries: &[Entry]) -> Vec<Resumed> {
    let pairs = entries.windows(2);
    let resumed = |pair: &[Entry]| match pair {
        [before, Entry { at, body: Body::Resumed { by }, .. }] => {
            Some(Resumed { at: *at, by: by.clone(), silent_ms: at - before.at })
        }
        _ => None,
    };
    pairs.filter_map(resumed).collect()
}
