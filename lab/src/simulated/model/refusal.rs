//! A refused request: the status and the words of the real daemon.

use std::fmt::Display;

/// The daemon's words when the managers have no leader.
pub(crate) const NO_LEADER: &str = "The swarm does not have a leader. It's possible that too few \
    managers are online. Make sure more than half of the managers are online.";

/// What the daemon answers when it does not do it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Self {
        Refusal { status, message: message.into() }
    }

    /// The daemon's own check of the request, before it asks the swarm.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    pub(crate) fn invalid(text: impl Display) -> Self {
        Self::rpc(400, "InvalidArgument", text)
    }

    pub(crate) fn exists(text: impl Display) -> Self {
        Self::rpc(409, "AlreadyExists", text)
    }

    pub(crate) fn precondition(text: impl Display) -> Self {
        Self::rpc(400, "FailedPrecondition", text)
    }

    pub(crate) fn unimplemented(text: impl Display) -> Self {
        Self::rpc(501, "Unimplemented", text)
    }

    pub(crate) fn unknown(text: impl Display) -> Self {
        Self::rpc(500, "Unknown", text)
    }

    pub(crate) fn out_of_sequence() -> Self {
        Self::unknown("update out of sequence")
    }

    /// What every request but those about the daemon itself gets.
    pub(crate) fn no_leader() -> Self {
        Self::unknown(NO_LEADER)
    }

    pub(crate) fn not_found(kind: &str, name: &str) -> Self {
        Self::new(404, format!("{kind} {name} not found"))
    }

    fn rpc(status: u16, code: &str, text: impl Display) -> Self {
        Self::new(status, format!("rpc error: code = {code} desc = {text}"))
    }
}
