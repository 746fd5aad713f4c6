//! Faults on demand: what goes wrong, and with which request.
//!
//! A fault counts the requests that match it, and strikes from the `nth` on, `times` times.
//! Several may strike the same request; they are taken in the order of the list.

use serde::{Deserialize, Serialize};

use super::edit::Edit;

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// With which request.
    pub on: On,
    /// What.
    pub what: What,
}

/// Which requests are meant. What is not given matches all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct On {
    /// The call that makes the request: what follows the last `/` in its `Windlass-Call` header.
    pub call: Option<String>,
    /// The method, such as `POST`.
    pub method: Option<String>,
    /// A part of path and query, without the version.
    pub target: Option<String>,
    /// Whether it is one that changes something.
    pub changing: Option<bool>,
    /// From which of the matching requests on; 1 is the first.
    pub nth: u32,
    /// How many of them; `u32::MAX` is all.
    pub times: u32,
}

impl Default for On {
    /// The first request of all.
    fn default() -> Self {
        On { call: None, method: None, target: None, changing: None, nth: 1, times: 1 }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The daemon refuses; nothing is done.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// The daemon's words.
        message: String,
    },
    /// The connection is closed unanswered; nothing is done.
    LoseRequest,
    /// It is done; then the connection is closed unanswered.
    LoseAnswer,
    /// It is done twice; the second answer is sent.
    Twice,
    /// The model's clock moves on that much before it is handled.
    Slow {
        /// How much.
        ms: i64,
    },
    /// This happens before it is handled.
    Edit(Edit),
    /// This happens after it was handled, before it is answered.
    EditAfter(Edit),
    /// From now on for that long every connection is closed unanswered, and event streams break.
    Away {
        /// How long, on the model's clock.
        ms: i64,
    },
    /// From now on for that long the swarm has no leader: what changes something is refused.
    NoQuorum {
        /// How long, on the model's clock.
        ms: i64,
    },
}

/// A request that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its `Windlass-Call` header.
    pub call: Option<String>,
    /// Its method.
    pub method: String,
    /// Path and query, without the version.
    pub target: String,
    /// Whether it is one that changes something.
    pub changing: bool,
    /// The status; 0 if nothing was done because the connection was closed.
    pub status: u16,
    /// False if the answer was not sent.
    pub answered: bool,
    /// When, on the model's clock.
    pub at: i64,
}

impl On {
    fn matches(&self, request: &Request) -> bool {
        let call = request.call.as_deref().map(|call| call.rsplit('/').next().unwrap_or(call));
        let method = |method: &String| method.eq_ignore_ascii_case(&request.method);
        self.call.as_deref().is_none_or(|wanted| call == Some(wanted))
            && self.method.as_ref().is_none_or(method)
            && self.target.as_ref().is_none_or(|part| request.target.contains(part))
            && self.changing.is_none_or(|changing| changing == request.changing)
    }
}

/// The faults that were set, and how far each has counted.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    set: Vec<Armed>,
    pub(crate) away_until: i64,
    pub(crate) no_quorum_until: i64,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    seen: u32,
    hits: usize,
}

impl Faults {
    /// Takes new faults. An outage that goes on goes on.
    pub(crate) fn set(&mut self, faults: Vec<Fault>) {
        self.set = faults.into_iter().map(|fault| Armed { fault, seen: 0, hits: 0 }).collect();
    }

    pub(crate) fn hits(&self) -> Vec<usize> {
        self.set.iter().map(|armed| armed.hits).collect()
    }

    /// Counts a request, and returns what strikes it.
    pub(crate) fn strike(&mut self, request: &Request) -> Vec<What> {
        let mut struck = Vec::new();
        for armed in &mut self.set {
            if armed.fault.on.matches(request) {
                armed.seen = armed.seen.saturating_add(1);
                let On { nth, times, .. } = armed.fault.on;
                let first = nth.max(1);
                if armed.seen >= first && armed.seen - first < times {
                    armed.hits += 1;
                    struck.push(armed.fault.what.clone());
                }
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_from_the_nth_matching_request_on() {
        let on = On {
            call: Some("3.1".into()),
            target: Some("/services".into()),
            nth: 2,
            times: 2,
            ..On::default()
        };
        let mut faults = Faults::default();
        faults.set(vec![Fault { on, what: What::Twice }]);
        let request = |call: &str, target: &str| Request {
            call: Some(call.into()),
            method: "GET".into(),
            target: target.into(),
            changing: false,
            status: 0,
            answered: false,
            at: 0,
        };
        let mut struck =
            |call: &str, target: &str| !faults.strike(&request(call, target)).is_empty();
        assert!(!struck("run_1/3.1", "/services"));
        assert!(!struck("run_1/13.1", "/services") && !struck("run_1/3.1", "/tasks"));
        assert!(struck("run_2/3.1", "/services/x") && struck("3.1", "/services"));
        assert!(!struck("run_1/3.1", "/services"));
        assert_eq!(faults.hits(), [2]);
    }

    #[test]
    fn faults_are_written_in_snake_case() {
        let text =
            r#"{"on":{"method":"POST","nth":3},"what":{"refuse":{"status":500,"message":"no"}}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        assert_eq!((fault.on.nth, fault.on.times), (3, 1));
        let text = r#"{"on":{},"what":{"edit":{"scale":{"service":"a","replicas":2}}}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        let scale = Edit::Scale { service: "a".into(), replicas: 2 };
        assert_eq!(fault.what, What::Edit(scale));
    }
}
