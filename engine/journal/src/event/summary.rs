//! A run in one line, for lists.

use serde::{Deserialize, Serialize};

use super::{Status, WaitView};
use crate::clock::Millis;
use crate::id::RunId;
use crate::state::RunState;
use crate::{Identity, RunStatus};

/// A run in one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "Run")]
pub struct Summary {
    /// Its name.
    pub run: RunId,
    /// The runbook's name or path.
    pub runbook: String,
    /// The runbook's title.
    pub title: String,
    /// Where it stands.
    pub status: Status,
    /// True if it has not finished, and holds its locks.
    pub open: bool,
    /// True if a process drives it, so that it goes on by itself.
    pub driven: bool,
    /// Locks that it holds until it is over.
    pub locks: Vec<String>,
    /// Who started it.
    pub user: String,
    /// What started it, if no person did: a schedule, or a request with a key.
    pub cause: Option<String>,
    /// The swarm that it acts on, if it has said so.
    pub identity: Option<Identity>,
    /// When it began, in milliseconds since 1970, UTC.
    pub began: Millis,
    /// When it was last heard of.
    pub heard: Millis,
    /// When it ended, if it is over.
    pub ended: Option<Millis>,
    /// What has to be decided, if it is stuck; why it went back, if it did.
    pub trouble: Option<String>,
    /// What it waits for, and who can end that.
    pub waits: Vec<WaitView>,
}

impl Summary {
    /// Returns the summary of a run; `driven` if a process drives it.
    pub fn of(run: &RunId, state: &RunState, driven: bool) -> Self {
        Self::listed(SummaryRecord::of(run, state), driven)
    }

    /// Returns what a record says to people; `driven` if a process drives the run.
    pub fn listed(record: SummaryRecord, driven: bool) -> Self {
        let SummaryRecord { run, runbook, title, locks, user, cause, .. } = record;
        let SummaryRecord { identity, began, heard, trouble, waits, .. } = record;
        let status = Status::of(record.status, record.back, driven);
        let open = !status.is_finished();
        let ended = (!open).then_some(heard);
        Summary {
            run,
            runbook,
            title,
            status,
            open,
            driven,
            locks,
            user,
            cause,
            identity,
            began,
            heard,
            ended,
            trouble,
            waits,
        }
    }

    /// True if the run has not finished, and holds its locks.
    pub fn is_open(&self) -> bool {
        self.open
    }
}

/// What is kept of a run beside its journal, so that a list need not read every journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SummaryRecord {
    /// The run.
    pub run: RunId,
    /// The runbook's name or path.
    pub runbook: String,
    /// Its title.
    pub title: String,
    /// Where it stands, in the words of journals.
    pub status: RunStatus,
    /// True if it undoes everything, or is about to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub back: bool,
    /// Locks that it holds until it is over.
    pub locks: Vec<String>,
    /// Who started it.
    pub user: String,
    /// The place where it acts; absent if it needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// What started it, if no person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// When it began, in milliseconds since 1970, UTC.
    pub began: Millis,
    /// When it was last heard of.
    pub heard: Millis,
    /// What has to be decided, if it is stuck; why it went back, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// How many entries of the journal this tells of. It lags behind if there are more.
    #[serde(default)]
    pub entries: u64,
    /// True if somebody has answered, and nothing has come of it yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waits: Vec<WaitView>,
}

impl SummaryRecord {
    /// Returns the record of a run.
    pub fn of(run: &RunId, state: &RunState) -> Self {
        let trouble = state.stuck.as_ref().or(state.unwinding.as_ref());
        let created = state.created.as_ref();
        SummaryRecord {
            run: run.clone(),
            runbook: created.map(|c| c.runbook.clone()).unwrap_or_default(),
            title: created.map(|c| c.title.clone()).unwrap_or_default(),
            status: match state.status {
                _ if state.is_waiting() => RunStatus::Waiting,
                status => status.unwrap_or(RunStatus::Running),
            },
            back: state.goes_back(),
            locks: created.map(|c| c.locks.clone()).unwrap_or_default(),
            user: created.map(|c| c.by.user.clone()).unwrap_or_default(),
            identity: state.identity.clone(),
            cause: created.and_then(|c| c.cause.clone()),
            began: state.began,
            heard: state.heard,
            trouble: trouble.map(|t| t.error.message.clone()),
            entries: state.entries,
            answered: state.answered && state.status == Some(RunStatus::Running),
            waits: match state.status {
                Some(RunStatus::Running) => {
                    state.waits().into_iter().map(|(key, call)| WaitView::of(key, call)).collect()
                }
                _ => Vec::new(),
            },
        }
    }

    /// True if the run has not finished, and holds its locks.
    pub fn is_open(&self) -> bool {
        !self.status.is_finished()
    }
}
