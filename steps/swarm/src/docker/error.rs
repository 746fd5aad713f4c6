//! What the daemon answered instead of what was asked for, and what may be done about it.
//!
//! | what happened | on a read | on a write |
//! |---|---|---|
//! | no connection | transient | transient: nothing was sent |
//! | no answer, connection lost, 5xx unknown | transient | ambiguous: it may have been done |
//! | `update out of sequence` | - | conflict |
//! | no leader | transient | transient: refused before anything was done |
//! | 400 in use, 404, 409, other 4xx | permanent | permanent |
//! | 503 not a manager, locked | permanent | permanent |
//!
//! The daemon's texts are the only way to tell many of these apart: the HTTP status of nearly all
//! swarm errors is 500.

use windlass_engine::step::{ErrorClass, StepError};

use super::endpoint::EndpointError;

/// A request to the daemon that did not give what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DockerError {
    /// No connection: nothing was sent.
    #[error("no Docker daemon answers at {host} ({origin}): {reason}")]
    Unreachable {
        /// Where it was looked for.
        host: String,
        /// Who said that it is there.
        origin: String,
        /// Why there is no connection.
        reason: String,
    },
    /// The connection was lost after sending began.
    #[error("the connection to the daemon was lost before its answer: {reason}")]
    Lost {
        /// How.
        reason: String,
    },
    /// No answer in time.
    #[error("the daemon did not answer within {seconds} s")]
    TimedOut {
        /// How long we waited.
        seconds: u64,
    },
    /// The daemon said no.
    #[error("{}", said(.status, .message))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The daemon's words.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("the daemon's answer can't be understood: {reason}")]
    Malformed {
        /// Why.
        reason: String,
    },
    /// The daemon is older than we support.
    #[error("the daemon speaks API {found}, and windlass needs at least {wanted} (Docker 20.10)")]
    TooOld {
        /// What it speaks.
        found: String,
        /// What is needed.
        wanted: String,
    },
    /// The request was not even sent: the daemon did not say before which API it speaks.
    #[error(transparent)]
    Unasked(Box<DockerError>),
    /// It could not be worked out where the daemon is.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

impl DockerError {
    /// Returns the refusal of a daemon, without the wrapping that gRPC puts around its words.
    pub(super) fn refused(status: u16, message: &str) -> Self {
        let mut message = message.trim();
        if let Some((_, rest)) = message.split_once("desc = ") {
            message = rest;
        }
        if message.starts_with('<') {
            // A page for people: whatever answers there, it is no Docker daemon.
            message = "";
        }
        DockerError::Refused { status, message: message.to_owned() }
    }

    /// True if the daemon says that there is no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self, DockerError::Refused { status: 404, .. })
    }

    /// Returns the error of a read: "read service web".
    pub fn reading(self, what: &str) -> StepError {
        self.classify(what, ErrorClass::Transient)
    }

    /// Returns the error of a write: "update service web".
    pub fn writing(self, what: &str) -> StepError {
        self.classify(what, ErrorClass::Ambiguous)
    }

    /// `lost` is the class of an attempt of which nobody knows whether it was carried out.
    fn classify(self, what: &str, lost: ErrorClass) -> StepError {
        let (class, code, hint) = match &self {
            DockerError::Unasked(why) => {
                return DockerError::clone(why).classify(what, ErrorClass::Transient);
            }
            DockerError::Unreachable { reason, .. } if is_forbidden(reason) => (
                ErrorClass::Transient,
                "forbidden",
                Some(
                    "You may not use this socket. Its owner can let you: `sudo usermod -aG docker $USER`, then log in again; or use sudo.",
                ),
            ),
            DockerError::Unreachable { origin, reason, .. }
                if origin == "DOCKER_HOST" && is_gone(reason) =>
            {
                (
                    ErrorClass::Transient,
                    "unreachable",
                    Some(
                        "DOCKER_HOST names a socket that does not exist, such as that of a lab that is down: `unset DOCKER_HOST`, or bring the lab up again and run `eval \"$(windlass lab env)\"`.",
                    ),
                )
            }
            DockerError::Unreachable { .. } => (
                ErrorClass::Transient,
                "unreachable",
                Some(
                    "Start the daemon, or name another one with --host, --context or DOCKER_HOST.",
                ),
            ),
            DockerError::Lost { .. } => (lost, "connection_lost", None),
            DockerError::TimedOut { .. } => (lost, "no_answer", None),
            DockerError::Malformed { .. } => (lost, "malformed_answer", None),
            DockerError::TooOld { .. } => (
                ErrorClass::Permanent,
                "api_too_old",
                Some("Upgrade Docker on this manager, or talk to a newer one (DOCKER_HOST)."),
            ),
            DockerError::Endpoint(_) => (
                ErrorClass::Permanent,
                "endpoint",
                Some("Check DOCKER_HOST and `docker context ls`."),
            ),
            DockerError::Refused { status, message } => refusal(*status, message, lost),
        };
        let error = StepError::new(class, code, format!("{what}: {self}"));
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

/// True if there is no such socket.
fn is_gone(reason: &str) -> bool {
    ["No such file", "Socket not found"].iter().any(|gone| reason.contains(gone))
}

fn is_forbidden(reason: &str) -> bool {
    reason.to_lowercase().contains("permission denied")
}

/// Returns what a daemon said; something that is no Docker daemon may say nothing.
fn said(status: &u16, message: &str) -> String {
    match message {
        "" => {
            format!("HTTP status {status} without a Docker error message: is this a Docker daemon?")
        }
        message => format!("the daemon says: {message}"),
    }
}

type Verdict = (ErrorClass, &'static str, Option<&'static str>);

/// Tells what a refusal means. `lost` stands for "it may have been done".
fn refusal(status: u16, message: &str, lost: ErrorClass) -> Verdict {
    use ErrorClass::{Conflict, Permanent, Transient};
    let text = message.to_lowercase();
    let says = |words: &str| text.contains(words);
    match status {
        _ if says("update out of sequence") => (Conflict, "out_of_sequence", None),
        _ if says("does not have a leader") || says("no elected cluster leader") => (
            Transient,
            "no_quorum",
            Some("Bring the other managers back: `docker node ls` on any of them shows the state."),
        ),
        _ if says("is encrypted and needs to be unlocked") => {
            (Permanent, "locked", Some("Run `docker swarm unlock` on this manager."))
        }
        503 if says("not a swarm manager") || says("not part of a swarm") => (
            Permanent,
            "not_manager",
            Some(
                "This node is a worker or in no swarm: point DOCKER_HOST or `docker context use` \
                 at a manager (`docker node ls` there must work).",
            ),
        ),
        _ if says("client version") && (says("too old") || says("too new")) => {
            (Permanent, "api_version", None)
        }
        400 if says("in use by") => (Permanent, "in_use", None),
        404 => (Permanent, "not_found", None),
        409 => (Permanent, "exists", None),
        501 => (Permanent, "unsupported", None),
        400..=499 => (Permanent, "invalid", None),
        503 => (Transient, "unavailable", None),
        _ => (lost, "daemon_error", None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_the_daemon_are_told_apart() {
        use ErrorClass::*;
        let rows: &[(u16, &str, ErrorClass, ErrorClass, &str)] = &[
            (
                409,
                "rpc error: code = AlreadyExists desc = secret d already exists",
                Permanent,
                Permanent,
                "exists",
            ),
            (
                400,
                "rpc error: code = InvalidArgument desc = secret 'd' is in use by the following services: s1, o1",
                Permanent,
                Permanent,
                "in_use",
            ),
            (
                400,
                "rpc error: code = InvalidArgument desc = secret 'd' is in use by the following service: s1",
                Permanent,
                Permanent,
                "in_use",
            ),
            (404, "secret nope not found", Permanent, Permanent, "not_found"),
            (
                500,
                "rpc error: code = Unknown desc = update out of sequence",
                Conflict,
                Conflict,
                "out_of_sequence",
            ),
            (
                503,
                "This node is not a swarm manager. Use \"docker swarm init\" or ...",
                Permanent,
                Permanent,
                "not_manager",
            ),
            (
                500,
                "The swarm does not have a leader. It's possible that too few managers are online.",
                Transient,
                Transient,
                "no_quorum",
            ),
            (
                500,
                "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
                Transient,
                Ambiguous,
                "daemon_error",
            ),
            (
                503,
                "Swarm is encrypted and needs to be unlocked before it can be used.",
                Permanent,
                Permanent,
                "locked",
            ),
            (
                400,
                "client version 1.53 is too new. Maximum supported API version is 1.41",
                Permanent,
                Permanent,
                "api_version",
            ),
            (400, "only updates to Labels are allowed", Permanent, Permanent, "invalid"),
        ];
        for (status, text, read, write, code) in rows {
            let error = DockerError::refused(*status, text);
            let (r, w) = (error.clone().reading("x"), error.writing("x"));
            assert_eq!((r.class, w.class, w.code.as_str()), (*read, *write, *code), "{text}");
            assert!(!w.message.contains("rpc error"), "{}", w.message);
        }
    }

    #[test]
    fn what_keeps_somebody_out_is_told_from_what_is_not_there() {
        let hint = |reason: &str| {
            let (host, origin) = ("unix:///x".to_owned(), "the default".to_owned());
            let error = DockerError::Unreachable { host, origin, reason: reason.to_owned() };
            error.reading("x").hint.unwrap()
        };
        assert!(hint("Permission denied (os error 13)").contains("usermod -aG docker"));
        assert!(hint("No such file or directory (os error 2)").contains("Start the daemon"));
        let silent = DockerError::refused(404, " ").to_string();
        assert_eq!(
            silent,
            "HTTP status 404 without a Docker error message: is this a Docker daemon?"
        );
    }

    #[test]
    fn an_answer_that_did_not_come_is_ambiguous_for_writes_only() {
        let lost = DockerError::TimedOut { seconds: 30 };
        assert_eq!(lost.clone().reading("x").class, ErrorClass::Transient);
        assert_eq!(lost.writing("x").class, ErrorClass::Ambiguous);
        let unsent = DockerError::Unreachable {
            host: "unix:///x".into(),
            origin: "the default".into(),
            reason: "connection refused".into(),
        };
        let error = unsent.writing("create secret db");
        assert_eq!(error.class, ErrorClass::Transient);
        assert!(error.hint.unwrap().contains("DOCKER_HOST"));
    }
}
