//! What a journal is made of.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::Language;
use crate::clock::Millis;
use crate::id::{CallKey, RunId};
use crate::step::{Kind, StepError};

/// The format version that this program writes. Earlier ones stay readable.
pub const FORMAT: u32 = 1;

/// A SHA-256 as 64 hexadecimal digits.
pub type Hash = String;

/// Returns the hash of a text or record.
pub fn text_hash(bytes: &[u8]) -> Hash {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// One record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Format version.
    pub v: u32,
    /// Place in the run.
    pub seq: u64,
    /// When it was written.
    pub at: Millis,
    /// Which opening of the state directory wrote it.
    pub epoch: u64,
    /// Hash of the record before.
    pub prev: Hash,
    /// What happened.
    pub body: Body,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Body {
    /// The run exists, and holds its locks. Always the first entry.
    Created(Box<Created>),
    /// A call is about to touch the world.
    Intended {
        /// The call.
        key: CallKey,
        /// Which step, with which arguments.
        #[serde(flatten)]
        head: CallHead,
        /// Counts from one.
        attempt: u32,
        /// What `probe` and `undo` compare with.
        base: Value,
        /// What will change, for people.
        says: String,
    },
    /// A call took effect (or, for a read, returned).
    Applied {
        /// The call.
        key: CallKey,
        /// Given where there was no intent: reads.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        head: Option<CallHead>,
        /// What the script gets.
        output: Value,
        /// Values that the call sealed, by name.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        sealed: BTreeMap<String, String>,
        /// How that is known.
        how: How,
    },
    /// An attempt did not take effect.
    Failed {
        /// The call.
        key: CallKey,
        /// Given where there was no intent: reads, and changes that could not be prepared.
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        head: Option<CallHead>,
        /// What went wrong.
        error: StepError,
        /// When it is tried again; never, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_at: Option<Millis>,
    },
    /// Branches begin.
    Parallel {
        /// The place whose children the branches are.
        key: CallKey,
        /// How many branches.
        branches: u32,
        /// How many at once.
        bound: u32,
    },
    /// The run waits here, or is asked again, or has been parked while a step waits.
    Waiting {
        /// The call.
        key: CallKey,
        /// Which wait, with which arguments.
        #[serde(flatten)]
        head: CallHead,
        /// What for, for people.
        says: String,
        /// When it is over, or given up; never, if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Millis>,
        /// What the rest of the run would do, as those see it who are asked to approve it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        bound: Option<Bound>,
    },
    /// Something came of a wait.
    Answered {
        /// The call.
        key: CallKey,
        /// What.
        answer: Answer,
        /// Who answered; nobody, if it was the time or the world.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Origin>,
        /// Values that the answer sealed, by name.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        sealed: BTreeMap<String, String>,
    },
    /// The run goes back from here on.
    Unwinding {
        /// Why.
        error: StepError,
        /// The call that failed, if it was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<CallKey>,
        /// True if a person asked for it.
        cancelled: bool,
    },
    /// A call is about to be undone.
    UndoIntended {
        /// The call.
        key: CallKey,
    },
    /// A call has been undone.
    UndoApplied {
        /// The call.
        key: CallKey,
    },
    /// A call could not be undone.
    UndoFailed {
        /// The call.
        key: CallKey,
        /// What went wrong.
        error: StepError,
    },
    /// The run needs a person.
    Stuck {
        /// What has to be decided.
        error: StepError,
        /// The call in question, if it is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<CallKey>,
    },
    /// A person decided.
    Decided {
        /// What.
        decision: Decision,
        /// Why, in their words.
        reason: String,
        /// Who, and from where.
        by: Origin,
    },
    /// A process took the run over.
    Resumed {
        /// Who, and from where.
        by: Origin,
    },
    /// The run acts at this place from here on: the entry before did not say which it was, or a
    /// person has said that this one has taken its place.
    Placed {
        /// The place.
        identity: Identity,
        /// Who said so, and from where; nobody, if it was only looked up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Origin>,
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The run is over. Always the last entry.
    Finished {
        /// How it ended.
        end: End,
    },
}

/// Which step a call is of, and its arguments: what a replay must repeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallHead {
    /// The step's name.
    pub step: String,
    /// The kind of call.
    pub kind: Kind,
    /// Arguments by name; sealed values as references.
    pub args: Value,
}

/// The beginning of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    /// The run.
    pub run: RunId,
    /// The runbook's name or path, as given.
    pub runbook: String,
    /// The runbook's title.
    pub title: String,
    /// Hash of the runbook's text; the text is kept beside the journal.
    pub text: Hash,
    /// Public parameters; a secret one is a reference.
    pub params: Map<String, Value>,
    /// Sealed parameters by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sealed: BTreeMap<String, String>,
    /// Names of the locks that the run holds.
    pub locks: Vec<String>,
    /// Where it acts, such as `unix:///var/run/docker.sock`.
    pub place: String,
    /// Which place that was: the run goes on nowhere else. Absent if it needs none, if it did not
    /// answer, and in journals of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<Identity>,
    /// Who started it, and from where.
    pub by: Origin,
    /// Version of windlass.
    pub version: String,
    /// What started it, if no person did: `schedule/nightly@2026-11-21T02:00:00Z`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What its script means: the same at every replay, whatever later versions make of it.
    #[serde(default, skip_serializing_if = "Language::is_first")]
    pub language: Language,
}

/// By what a place is known again, however it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Identity {
    /// What no other place has, such as the ID of a cluster.
    pub id: String,
    /// For people, such as `swarm k3v8x1 (manager m1, 3 nodes)`. It may change.
    pub name: String,
}

/// Who did something, and from where.
///
/// The user name is the person: two people are the same if their names are, letter by letter, as
/// the system tells its users apart. It is compared nowhere but in [`Origin::is_same_person`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Origin {
    /// User name.
    pub user: String,
    /// Host name.
    pub host: String,
    /// Process id.
    pub pid: u32,
    /// The user whose rights sudo gave them, such as `root`; absent if they used their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_user: Option<String>,
}

impl Origin {
    /// True if both are the same person, wherever they are and whatever rights they use.
    pub fn is_same_person(&self, other: &Origin) -> bool {
        self.user == other.user
    }

    /// Returns the person in words: `ann`, or `ann (as root, by sudo)`.
    pub fn who(&self) -> String {
        match &self.as_user {
            Some(rights) => format!("{} (as {rights}, by sudo)", self.user),
            None => self.user.clone(),
        }
    }
}

/// What came of a wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Answer {
    /// It is over: the time has come, or the condition holds.
    Over {
        /// What the script gets.
        output: Value,
    },
    /// Somebody answered.
    Given {
        /// What the script gets; sealed values as references.
        output: Value,
    },
    /// Somebody approved.
    Approved {
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// True if that was the last approval needed.
        enough: bool,
    },
    /// Somebody denied it, or nobody approved it in time.
    Denied {
        /// Why.
        reason: String,
    },
    /// What was approved is no longer what would be done: the approvals so far don't count.
    Lapsed {
        /// What has changed.
        why: String,
    },
    /// It was given up.
    Failed {
        /// Why.
        error: StepError,
    },
}

/// What an approval is bound to: the changes that the rest of the run would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bound {
    /// Hash of all of them, with what they rest on.
    pub digest: Hash,
    /// The changes, in order of place.
    pub changes: Vec<BoundChange>,
}

/// A change that an approval is bound to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BoundChange {
    /// The call; nothing, if all that is known is why nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<CallKey>,
    /// What it would do, for people.
    pub says: String,
    /// A short hash of what it rests on.
    pub rests_on: String,
}

/// How an outcome is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// The attempt returned it.
    Returned,
    /// The outcome was lost; a look at the world told.
    Probed,
}

/// What a person can decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Decision {
    /// Try the call (or its undo) again.
    Retry {
        /// The call.
        key: CallKey,
    },
    /// Leave the call (or its undo) out; the script gets `()`.
    Skip {
        /// The call.
        key: CallKey,
    },
    /// The call (or its undo) has been done by hand.
    MarkDone {
        /// The call.
        key: CallKey,
        /// What the script gets.
        #[serde(default)]
        output: Value,
    },
    /// Stop and undo everything.
    Cancel,
    /// Go on with a run that is stuck over no call in particular.
    GoOn,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// All new.
    Done,
    /// Failed, and all old: nothing is left behind.
    Undone,
    /// A person stopped it, and all old.
    Cancelled,
}

impl Answer {
    /// Returns what came of it, for people: "approved", "denied: not today".
    pub fn says(&self) -> String {
        match self {
            Answer::Over { .. } => "over".to_owned(),
            Answer::Given { .. } => "answered".to_owned(),
            Answer::Approved { reason, .. } => match reason {
                Some(reason) => format!("approved: {reason}"),
                None => "approved".to_owned(),
            },
            Answer::Denied { reason } => format!("denied: {reason}"),
            Answer::Lapsed { why } => format!("lapsed: {why}"),
            Answer::Failed { error } => format!("given up: {error}"),
        }
    }
}

impl Body {
    /// Returns the call that the entry is about.
    pub fn key(&self) -> Option<&CallKey> {
        match self {
            Body::Intended { key, .. }
            | Body::Applied { key, .. }
            | Body::Failed { key, .. }
            | Body::Parallel { key, .. }
            | Body::Waiting { key, .. }
            | Body::Answered { key, .. }
            | Body::UndoIntended { key }
            | Body::UndoApplied { key }
            | Body::UndoFailed { key, .. } => Some(key),
            Body::Unwinding { key, .. } | Body::Stuck { key, .. } => key.as_ref(),
            Body::Decided { decision, .. } => decision.key(),
            Body::Created(_)
            | Body::Resumed { .. }
            | Body::Placed { .. }
            | Body::Finished { .. } => None,
        }
    }
}

impl Decision {
    /// Returns the call that the decision is about.
    pub fn key(&self) -> Option<&CallKey> {
        match self {
            Decision::Retry { key } | Decision::Skip { key } | Decision::MarkDone { key, .. } => {
                Some(key)
            }
            Decision::Cancel | Decision::GoOn => None,
        }
    }
}
