//! What is asked, and what is answered: the same in one process and over the socket.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use windlass_engine::engine::Approved;
use windlass_engine::event::{Event, RunView, Status, Summary};
use windlass_engine::id::CallKey;
use windlass_engine::journal::{Decision, Entry};
use windlass_engine::run::OpenCall;
use windlass_engine::secret::Secret;
use windlass_engine::step::Span;
use zeroize::Zeroizing;

use super::duty::{DutyReply, DutyRequest};
use super::keeping::{Keeping, Kept};
use super::tokens::{TokenReply, TokenRequest};
use crate::problem::Problem;

/// A request on its way to the process that owns the state.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sent {
    /// For whom sudo runs the command that asks. The owner heeds it if the kernel says that root
    /// asks; who else asks is told by the kernel alone.
    pub sudo_user: Option<String>,
    /// What is asked.
    pub request: Request,
}

/// What a command asks of the engine. Who asks is found out by the process that owns the state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    /// Begin a run, and follow it to its end.
    Start(Start),
    /// Take up an interrupted run, and follow it. The only one, if none is named.
    Resume { run: Option<String> },
    /// Take an interrupted or stuck run back, and follow it. The only one, if none is named.
    Undo { run: Option<String>, reason: String },
    /// Take the swarm that answers now for the one where a run began. The only run, if none is named.
    MoveHere { run: Option<String>, reason: String },
    /// Stop a run that is driven, and follow it back. The only one, if none is named.
    Cancel { run: Option<String>, reason: String },
    /// Decide about a call of a stuck run.
    Decide { run: String, decision: Decision, reason: String },
    /// Approve, deny or answer what a run asks.
    Answer { run: Option<String>, call: Option<CallKey>, answer: Given },
    /// Say what a resume would do.
    PlanResume { run: Option<String> },
    /// List runs.
    Runs { which: Which },
    /// Show a run; the latest, if none is named.
    Show { run: Option<String> },
    /// Print the journal of a run, and go on while it is driven if that is asked for.
    Log { run: Option<String>, follow: bool },
    /// Tell what has been done, or keep house.
    Keep(Keeping),
    /// Schedules and notices.
    Duty(DutyRequest),
    /// Tokens.
    Tokens(TokenRequest),
}

/// Which runs to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Which {
    /// Only those that are not over.
    pub open: bool,
    /// Only those that stand so; all, if none is given.
    pub status: Vec<Status>,
    /// Only those whose runbook has this in its name.
    pub runbook: Option<String>,
    /// Only those that began so long ago at most.
    pub since: Option<Span>,
    /// Only the latest so many.
    pub limit: Option<usize>,
}

/// What somebody answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Given {
    /// Yes.
    Approve { reason: Option<String> },
    /// No.
    Deny { reason: String },
    /// Fields, openly and sealed.
    Fields { open: Vec<(String, String)>, secrets: Vec<(String, SecretBytes)> },
}

/// A run to begin.
#[derive(Clone, Serialize, Deserialize)]
pub struct Start {
    /// The runbook's name or path.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Public parameters as given.
    pub params: Vec<(String, String)>,
    /// Secret parameters.
    pub secrets: Vec<(String, SecretBytes)>,
    /// Whether it may end the daemon itself.
    pub allow_self: bool,
    /// The Docker daemon that it is meant for, if an option names one.
    pub place: Option<String>,
}

impl std::fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl std::fmt::Debug for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Start").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What became of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Taken {
    /// What came of an approval; nothing, for other answers.
    pub approved: Option<Approved>,
    /// The run as it stands.
    pub view: RunView,
}

/// A secret value on its way to the owner, over a socket that nobody else can read.
/// As base64: a list of numbers would be taken apart, number by number, on the way.
#[derive(Clone)]
pub struct SecretBytes(Secret);

impl SecretBytes {
    /// Takes the bytes of a secret.
    pub fn of(secret: &Secret) -> Self {
        SecretBytes(secret.clone())
    }

    /// Gives the secret back.
    pub fn secret(&self) -> Secret {
        self.0.clone()
    }
}

impl Serialize for SecretBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&Zeroizing::new(STANDARD.encode(self.0.expose())))
    }
}

impl<'de> Deserialize<'de> for SecretBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Base64 needs no escapes, so the text is taken from where it was read to.
        let text = <&str>::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(|_| D::Error::custom("a value is not base64"))?;
        Ok(SecretBytes(Secret::new(bytes)))
    }
}

/// One part of an answer. A request is answered by any number of parts; the last one is
/// [`Reply::End`] or [`Reply::Problem`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// The run that is followed or shown; where services stand, if it is shown.
    Run { view: Box<RunView>, services: Vec<String> },
    /// Something happened in it.
    Event { event: Event },
    /// It stopped, for now or for good.
    Ending(Box<Ending>),
    /// A list of runs.
    Runs { runs: Vec<Summary> },
    /// What became of an answer.
    Taken(Box<Taken>),
    /// What a resume would do.
    OpenCalls { view: Box<RunView>, calls: Vec<OpenCall> },
    /// An entry of a journal.
    Entry { entry: Box<Entry> },
    /// What was asked about what has been done.
    Kept(Kept),
    /// Schedules and notices.
    Duty(DutyReply),
    /// Tokens.
    Tokens(TokenReply),
    /// The request was not carried out.
    Problem { problem: Problem },
    /// That was all.
    End,
}

/// How a run stopped.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ending {
    /// The run as it stands.
    pub view: RunView,
    /// Where services stand, and what to change in stack files.
    pub services: Vec<String>,
    /// Why it could not be recorded any further, if that is why it stopped.
    pub unrecorded: Option<String>,
}
