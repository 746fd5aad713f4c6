//! What a journal says: the state of a run, folded from its entries.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::json;

use crate::clock::Millis;
use crate::id::CallKey;
use crate::step::{Kind, StepError};
use crate::wait::{BadWait, Wait};
use crate::{
    Answer, Body, Bound, CallHead, CallStatus, Chain, ChainHead, Created, Decision, Entry, How,
    Identity, Illegal, Origin, Packed, RunStatus, next,
};

/// Why a run went back or stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct Trouble {
    /// What went wrong, or what has to be decided.
    pub error: StepError,
    /// The call in question.
    pub key: Option<CallKey>,
    /// True if a person asked for it.
    pub cancelled: bool,
}

/// A call, as far as it got.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Which step.
    pub step: String,
    /// What kind of call.
    pub kind: Kind,
    /// Its arguments.
    pub args: Packed,
    /// Where it stands.
    pub status: CallStatus,
    /// Attempts begun.
    pub attempt: u32,
    /// What its last attempt found before changing anything.
    pub base: Packed,
    /// What it does, for people.
    pub says: String,
    /// What the script got.
    pub output: Packed,
    /// How the outcome is known.
    pub how: Option<How>,
    /// What went wrong last.
    pub error: Option<StepError>,
    /// When it is tried again.
    pub retry_at: Option<Millis>,
    /// What it waits for, if it waits.
    pub asked: Option<Asked>,
    /// When it was first heard of.
    pub began: Millis,
    /// When it was last heard of.
    pub heard: Millis,
    /// For how long in between no process drove it.
    pub idle_ms: Millis,
}

impl Call {
    /// Returns which step it is of, and its arguments.
    pub fn head(&self) -> CallHead {
        CallHead { step: self.step.clone(), kind: self.kind, args: self.args.value() }
    }

    /// True if it is of this step, with these arguments.
    pub fn is_of(&self, head: &CallHead) -> bool {
        self.step == head.step && self.kind == head.kind && self.args.is(&head.args)
    }

    /// Returns the wait that it is.
    ///
    /// # Errors
    /// If it is a step.
    pub fn wait(&self) -> Result<Wait, BadWait> {
        Wait::parse(&self.step, &self.args.value())
    }

    /// Returns how long it took, without the time when no process drove it.
    pub fn took_ms(&self) -> Millis {
        (self.heard - self.began - self.idle_ms).max(0)
    }

    /// True if it gets no further while no process drives the run. Time passes for a wait, whoever
    /// looks.
    fn stands_still(&self) -> bool {
        use CallStatus::{Backoff, InDoubt, Retrying, Undoing};
        matches!(self.status, InDoubt | Backoff | Retrying | Undoing) && !self.waits()
    }

    /// True if it waits, and no thread has to be held for it.
    pub fn waits(&self) -> bool {
        match self.status {
            CallStatus::Waiting => true,
            CallStatus::InDoubt => self.kind == Kind::Wait && self.asked.is_some(),
            _ => false,
        }
    }
}

/// A wait, as far as it got.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// Since when.
    pub since: Millis,
    /// When it is over, or given up.
    pub until: Option<Millis>,
    /// Who has approved so far.
    pub approvals: Vec<Origin>,
    /// What their approval is bound to.
    pub bound: Option<Bound>,
    /// Why it is asked again.
    pub lapsed: Option<String>,
}

/// The journal holds something that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq}: {problem}")]
pub struct Impossible {
    /// Which entry.
    pub seq: u64,
    /// What is wrong with it.
    pub problem: Illegal,
}

/// The state of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// How it began.
    pub created: Option<Created>,
    /// The place where it acts, if it is known.
    pub identity: Option<Identity>,
    /// Where it stands.
    pub status: Option<RunStatus>,
    /// Its calls.
    pub calls: HashMap<CallKey, Call>,
    /// Branch places: how many at once.
    pub bounds: BTreeMap<CallKey, (u32, u32)>,
    /// The call after which it can only go forward.
    pub pivot: Option<CallKey>,
    /// Why a person asked to undo it, until it goes back.
    pub cancel: Option<String>,
    /// Why it goes or went back.
    pub unwinding: Option<Trouble>,
    /// What a person must decide.
    pub stuck: Option<Trouble>,
    /// Calls that a person decided about in such a way that a run that goes back does not touch
    /// what they did.
    pub left: BTreeSet<CallKey>,
    /// How many entries tell this.
    pub entries: u64,
    /// True if the last that was heard is an answer, and nothing has come of it yet.
    pub answered: bool,
    /// When it began.
    pub began: Millis,
    /// When it was last heard of.
    pub heard: Millis,
}

impl RunState {
    /// Returns the state that a whole journal tells.
    ///
    /// # Errors
    /// At the first entry that can't stand where it stands.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self, Impossible> {
        let mut state = RunState::default();
        for entry in entries {
            state.apply(entry)?;
        }
        Ok(state)
    }

    /// Returns the state that the records of a journal tell, and where they end.
    ///
    /// # Errors
    /// In words, at the first record that can't be read or can't stand where it stands.
    pub fn read<R: AsRef<[u8]>>(
        records: impl IntoIterator<Item = R>,
    ) -> Result<(Self, ChainHead), String> {
        let (mut state, mut chain) = (RunState::default(), Chain::over(records));
        for entry in chain.by_ref() {
            state.apply(&entry.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        }
        Ok((state, chain.head()))
    }

    /// Takes one more entry in.
    ///
    /// # Errors
    /// If it can't stand here; the state is then unchanged.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Impossible> {
        let key = entry.body.key();
        let before = key.and_then(|key| self.status_of(key));
        let (status, after) = next(self.status, before, &entry.body)
            .map_err(|problem| Impossible { seq: entry.seq, problem })?;
        if matches!(entry.body, Body::Resumed { .. }) {
            let idle = (entry.at - self.heard).max(0);
            let still = self.calls.values_mut().filter(|call| call.stands_still());
            still.for_each(|call| call.idle_ms += idle);
        }
        self.status = Some(status);
        self.heard = entry.at;
        self.entries = entry.seq + 1;
        self.answered = matches!(entry.body, Body::Answered { .. });
        self.take_in(&entry.body, entry.at);
        if let (Some(key), Some(after)) = (key, after)
            && let Some(call) = self.calls.get_mut(key)
        {
            call.status = after;
            call.heard = entry.at;
            if call.kind == Kind::Destroy && after == CallStatus::Applied {
                self.pivot.get_or_insert_with(|| key.clone());
            }
        }
        Ok(())
    }

    /// Returns where a call stands.
    pub fn status_of(&self, key: &CallKey) -> Option<CallStatus> {
        let branches = self.bounds.contains_key(key).then_some(CallStatus::Branches);
        self.calls.get(key).map(|call| call.status).or(branches)
    }

    /// True if the run is neither over nor waiting for a person.
    pub fn can_go_on(&self) -> bool {
        matches!(self.status, Some(RunStatus::Running | RunStatus::Unwinding))
    }

    /// True if the run undoes everything, or will as soon as it goes on.
    pub fn goes_back(&self) -> bool {
        self.unwinding.is_some() || self.cancel.is_some() && self.pivot.is_none()
    }

    /// Returns the calls that wait without a thread, in order of place.
    pub fn waits(&self) -> Vec<(&CallKey, &Call)> {
        let mut open: Vec<_> = self.calls.iter().filter(|(_, call)| call.waits()).collect();
        open.sort_by(|a, b| a.0.cmp(b.0));
        open
    }

    /// True if an entry is about a call that waits without a thread.
    pub fn waits_at(&self, body: &Body) -> bool {
        body.key().and_then(|key| self.calls.get(key)).is_some_and(Call::waits)
    }

    /// True if all that the run has to do is to wait, or to take note of an answer.
    pub fn is_waiting(&self) -> bool {
        let open = self.calls.values().filter(|call| {
            use CallStatus::{Backoff, InDoubt, Retrying, Waiting};
            matches!(call.status, InDoubt | Backoff | Retrying | Waiting)
        });
        let (open, waits) = (open.count(), self.waits().len());
        self.status == Some(RunStatus::Running)
            && self.cancel.is_none()
            && (waits > 0 || self.answered)
            && open == waits
    }

    fn take_in(&mut self, body: &Body, at: Millis) {
        match body {
            Body::Created(created) => {
                self.began = at;
                self.identity.clone_from(&created.identity);
                self.created = Some((**created).clone());
            }
            Body::Placed { identity, .. } => self.identity = Some(identity.clone()),
            Body::Intended { key, head, attempt, base, says } => {
                let call = self.call(key, Some(head), at);
                call.attempt = *attempt;
                call.base = Packed::of(base);
                call.says.clone_from(says);
                call.retry_at = None;
            }
            Body::Applied { key, head, output, how, .. } => {
                let call = self.call(key, head.as_ref(), at);
                call.output = Packed::of(output);
                call.how = Some(*how);
                call.error = None;
            }
            Body::Failed { key, head, error, retry_at } => {
                let call = self.call(key, head.as_ref(), at);
                if head.is_some() {
                    call.attempt += 1;
                }
                call.error = Some(error.clone());
                call.retry_at = *retry_at;
            }
            Body::Parallel { key, branches, bound } => {
                self.bounds.insert(key.clone(), (*branches, *bound));
            }
            Body::Waiting { key, head, says, until, bound } => {
                let call = self.call(key, Some(head), at);
                call.says.clone_from(says);
                call.error = None;
                let before = call.asked.take().unwrap_or_default();
                let since = if before.since == 0 { at } else { before.since };
                let (until, bound) = (*until, bound.clone());
                call.asked = Some(Asked {
                    since,
                    until,
                    bound,
                    approvals: Vec::new(),
                    lapsed: before.lapsed,
                });
            }
            Body::Answered { key, answer, by, .. } => self.answered(key, answer, by.as_ref(), at),
            Body::Unwinding { error, key, cancelled } => {
                self.cancel = None;
                self.unwinding =
                    Some(Trouble { error: error.clone(), key: key.clone(), cancelled: *cancelled });
            }
            Body::UndoFailed { key, error } => {
                self.call(key, None, at).error = Some(error.clone());
            }
            Body::Stuck { error, key } => {
                self.stuck =
                    Some(Trouble { error: error.clone(), key: key.clone(), cancelled: false });
            }
            Body::Decided { decision, reason, .. } => self.decided(decision, reason, at),
            Body::UndoIntended { .. }
            | Body::UndoApplied { .. }
            | Body::Resumed { .. }
            | Body::Finished { .. } => {}
        }
    }

    fn answered(&mut self, key: &CallKey, answer: &Answer, by: Option<&Origin>, at: Millis) {
        let call = self.call(key, None, at);
        let asked = call.asked.get_or_insert_default();
        match answer {
            Answer::Over { output } | Answer::Given { output } => call.output = Packed::of(output),
            Answer::Approved { enough, .. } => {
                asked.approvals.extend(by.cloned());
                if *enough {
                    let by: Vec<&str> = asked.approvals.iter().map(|by| by.user.as_str()).collect();
                    call.output = Packed::of(&json!({ "by": by }));
                }
            }
            Answer::Denied { reason } => {
                let message = match by {
                    Some(by) => format!("{} denied it: {reason}", by.who()),
                    None => format!("denied: {reason}"),
                };
                call.error = Some(StepError::permanent("denied", message));
            }
            Answer::Lapsed { why } => asked.lapsed = Some(why.clone()),
            Answer::Failed { error } => call.error = Some(error.clone()),
        }
    }

    fn decided(&mut self, decision: &Decision, reason: &str, at: Millis) {
        self.stuck = None;
        if *decision == Decision::Cancel {
            self.cancel = Some(reason.to_owned());
            // Going back, whatever could not be undone is tried again.
            let failed = self.calls.values_mut().filter(|c| c.status == CallStatus::UndoFailed);
            failed.for_each(|call| call.status = CallStatus::Undoing);
        }
        if let Some(key) = decision.key()
            && let Some(call) = self.calls.get(key)
        {
            use CallStatus::{InDoubt, UndoFailed, Undoing};
            let left = match (decision, call.status) {
                // It may have taken effect, or is there still.
                (Decision::Skip { .. }, InDoubt | Undoing | UndoFailed) => true,
                // Done by hand. What was undone by hand is gone.
                (Decision::MarkDone { .. }, status) => !matches!(status, Undoing | UndoFailed),
                _ => false,
            };
            if left {
                self.left.insert(key.clone())
            } else {
                self.left.remove(key)
            };
        }
        if let Decision::MarkDone { key, output } = decision {
            let call = self.call(key, None, at);
            call.output = Packed::of(output);
            if call.kind == Kind::Destroy {
                self.pivot.get_or_insert_with(|| key.clone());
            }
        }
    }

    fn call(&mut self, key: &CallKey, head: Option<&CallHead>, at: Millis) -> &mut Call {
        let call = self.calls.entry(key.clone()).or_insert_with(|| Call {
            // `next` has made sure that a call without a head is known already.
            step: String::new(),
            kind: Kind::Read,
            args: Packed::default(),
            status: CallStatus::InDoubt,
            attempt: 0,
            base: Packed::default(),
            says: String::new(),
            output: Packed::default(),
            how: None,
            error: None,
            retry_at: None,
            asked: None,
            began: at,
            heard: at,
            idle_ms: 0,
        });
        if let Some(head) = head {
            call.step.clone_from(&head.step);
            (call.kind, call.args) = (head.kind, Packed::of(&head.args));
        }
        call
    }
}
