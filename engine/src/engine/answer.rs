//! People answer: they approve, deny, or tell what they are asked.
//!
//! Whether somebody may (their role) is checked by whoever speaks to the engine in their name. Here
//! it is checked that they are not the same person twice, nor the one who started the run.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Engine, EngineError};
use crate::id::{CallKey, RunId};
use crate::journal::{Answer, Body, CallStatus, Origin, RunStatus};
use crate::run::{Call, Driver, RunState};
use crate::runbook::{ParameterKind, Runbook};
use crate::secret::Secret;
use crate::wait::{Approval, Question, Wait};

/// What came of an approval.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "approved", rename_all = "snake_case")]
pub enum Approved {
    /// It was the last one needed: the run goes on.
    Enough,
    /// It counts, and so many more people must approve.
    More {
        /// How many.
        needed: u32,
    },
    /// It does not count, nor do those before it: what would be done has changed since it was
    /// asked. It is asked again.
    Lapsed {
        /// What has changed.
        why: String,
    },
}

/// A wait that people are asked about, found.
struct Found {
    driver: Arc<Driver>,
    runbook: Runbook,
    key: CallKey,
    call: Call,
    starter: Origin,
    live: bool,
}

impl Engine {
    /// Approves what a run asks. Without a key, it must be the only thing that it asks.
    ///
    /// The last approval looks at the world again: if the rest of the run would no longer do what
    /// was asked, all approvals lapse, and it is asked again.
    ///
    /// # Errors
    /// If the run does not ask for approval there, or this person's does not count.
    pub async fn approve(
        &self,
        run: &RunId,
        key: Option<&CallKey>,
        by: &Origin,
        reason: Option<&str>,
    ) -> Result<Approved, EngineError> {
        let _one_at_a_time = self.0.answering.lock().await;
        let (found, approval) = self.approval(run, key)?;
        let asked = found.call.asked.clone().unwrap_or_default();
        if let Some(why) = approval.refuses(by, &found.starter, &asked.approvals) {
            return Err(EngineError::NotNow(why));
        }
        let so_far = u32::try_from(asked.approvals.len()).unwrap_or(u32::MAX);
        let needed = approval.of.saturating_sub(so_far.saturating_add(1));
        let reason = reason.map(str::to_owned);
        if needed > 0 {
            let answer = Answer::Approved { reason, enough: false };
            self.answered(&found, answer, by, BTreeMap::new())?;
            return Ok(Approved::More { needed });
        }
        let (driver, runbook) = (found.driver.clone(), found.runbook.clone());
        let now = tokio::task::spawn_blocking(move || driver.bound(&runbook)).await;
        let now = now.map_err(|e| EngineError::Machine(format!("the plan broke off: {e}")))?;
        let why = found.driver.lapsed(asked.bound.as_ref(), &now);
        let Some(why) = why else {
            let answer = Answer::Approved { reason, enough: true };
            self.answered(&found, answer, by, BTreeMap::new())?;
            return Ok(Approved::Enough);
        };
        self.answered(&found, Answer::Lapsed { why: why.clone() }, by, BTreeMap::new())?;
        let until = approval.deadline.map(|span| crate::clock::millis(span.0));
        found.driver.ledger.record(Body::Waiting {
            key: found.key.clone(),
            head: found.call.head(),
            says: found.call.says.clone(),
            until: until.map(|length| self.0.clock.now().saturating_add(length)),
            bound: Some(now),
        })?;
        found.driver.waits.end(&found.key);
        Ok(Approved::Lapsed { why })
    }

    /// Denies what a run asks: the call fails with `denied`, and unless the runbook catches that,
    /// the run goes back.
    ///
    /// # Errors
    /// If the run does not ask for approval there.
    pub async fn deny(
        &self,
        run: &RunId,
        key: Option<&CallKey>,
        by: &Origin,
        reason: &str,
    ) -> Result<(), EngineError> {
        let _one_at_a_time = self.0.answering.lock().await;
        let (found, _) = self.approval(run, key)?;
        let reason = reason.to_owned();
        self.answered(&found, Answer::Denied { reason }, by, BTreeMap::new())
    }

    /// Answers the questions of a run. Secret values are sealed before they are recorded.
    ///
    /// # Errors
    /// If the run does not ask there, or the answer does not fit.
    pub async fn answer(
        &self,
        run: &RunId,
        key: Option<&CallKey>,
        by: &Origin,
        given: &[(String, String)],
        secrets: Vec<(String, Secret)>,
    ) -> Result<(), EngineError> {
        let _one_at_a_time = self.0.answering.lock().await;
        let found = self.asked(run, key, "ask")?;
        let Ok(Wait::Ask(question)) = found.call.wait() else {
            return Err(EngineError::Damaged(format!("{run} asks what can't be read")));
        };
        let (output, sealed) = self.sealed_answer(&found, &question, given, secrets)?;
        self.answered(&found, Answer::Given { output }, by, sealed)
    }

    fn sealed_answer(
        &self,
        found: &Found,
        question: &Question,
        given: &[(String, String)],
        secrets: Vec<(String, Secret)>,
    ) -> Result<(Value, BTreeMap<String, String>), EngineError> {
        let names: Vec<String> = secrets.iter().map(|(name, _)| name.clone()).collect();
        let mut values = question.values(given, &names)?;
        let mut sealed = BTreeMap::new();
        for (field, value) in secrets {
            // Only now: a value that is not asked for is not kept.
            let asked = question.fields.get(&field);
            if asked.is_none_or(|field| field.kind != ParameterKind::Secret) {
                return Err(EngineError::NotNow(format!("`{field}` is no secret: give it openly")));
            }
            let name = format!("answer {} {field}", found.key);
            let sealing = found.driver.sealed.seal(&name, value);
            sealing.map_err(|e| EngineError::Machine(e.to_string()))?;
            sealed.extend(found.driver.sealed.take_fresh_of(&name));
            values.insert(field, json!({ "$sealed": name }));
        }
        Ok((Value::Object(values), sealed))
    }

    fn approval(
        &self,
        run: &RunId,
        key: Option<&CallKey>,
    ) -> Result<(Found, Approval), EngineError> {
        let found = self.asked(run, key, "approve")?;
        match found.call.wait() {
            Ok(Wait::Approve(approval)) => Ok((found, approval)),
            _ => Err(EngineError::Damaged(format!("{run} asks what can't be read"))),
        }
    }

    /// Finds what a run asks of people.
    fn asked(&self, run: &RunId, key: Option<&CallKey>, what: &str) -> Result<Found, EngineError> {
        let (driver, runbook, live) = self.in_hand(run)?;
        let (status, starter, open) = driver.ledger.look(|state| {
            let starter = state.created.as_ref().map(|created| created.by.clone());
            (state.status, starter, open(state, key, what))
        });
        if let Some(RunStatus::Finished(end)) = status {
            return Err(EngineError::Over { run: run.clone(), end });
        }
        let (key, call) = open.map_err(|why| EngineError::NotNow(format!("{run} {why}")))?;
        if status != Some(RunStatus::Running) {
            let why = format!("{run} is stuck or goes back: it takes no answers now");
            return Err(EngineError::NotNow(why));
        }
        Ok(Found { driver, runbook, key, call, starter: starter.unwrap_or_default(), live })
    }

    /// Returns the driver of a run: the one that has it in hand, or one that only writes.
    fn in_hand(&self, run: &RunId) -> Result<(Arc<Driver>, Runbook, bool), EngineError> {
        let live = self.0.live();
        if let Some(live) = live.get(run) {
            return Ok((live.driver.clone(), (*live.runbook).clone(), true));
        }
        let ledger = self.ledger(run)?;
        let (status, created) = ledger.look(|state| (state.status, state.created.clone()));
        let created = created.ok_or_else(|| EngineError::NoSuchRun(run.to_string()))?;
        if let Some(RunStatus::Finished(end)) = status {
            return Err(EngineError::Over { run: run.clone(), end });
        }
        let runbook = self.recorded_runbook(&created)?;
        Ok((self.driver_of(&created, ledger)?, runbook, false))
    }

    /// Records an answer, and has the run go on if this process has it in hand.
    fn answered(
        &self,
        found: &Found,
        answer: Answer,
        by: &Origin,
        sealed: BTreeMap<String, String>,
    ) -> Result<(), EngineError> {
        let over =
            !matches!(answer, Answer::Approved { enough: false, .. } | Answer::Lapsed { .. });
        let (run, ledger) = (found.driver.ledger.run(), &found.driver.ledger);
        let live = self.0.live();
        if live.contains_key(run) != found.live {
            let why = format!("{run} has been taken up or put down meanwhile: try again");
            return Err(EngineError::NotNow(why));
        }
        let body = Body::Answered { key: found.key.clone(), answer, by: Some(by.clone()), sealed };
        if let Err(error) = ledger.record(body) {
            let waits = ledger.look(|s| s.status_of(&found.key)) == Some(CallStatus::Waiting);
            let late = format!("{run} no longer waits at {}", found.key);
            return Err(if waits { error.into() } else { EngineError::NotNow(late) });
        }
        drop(live);
        if over {
            found.driver.waits.end(&found.key);
        }
        Ok(())
    }
}

/// Finds the call that is meant, or the only one that could be.
fn open(state: &RunState, key: Option<&CallKey>, what: &str) -> Result<(CallKey, Call), String> {
    let asks = |call: &Call| call.status == CallStatus::Waiting && call.step == what;
    let asked = if what == "ask" { "does not ask anything" } else { "does not ask for approval" };
    let open: Vec<_> = state.waits().into_iter().filter(|(_, call)| asks(call)).collect();
    let meant = |(at, call): &(&CallKey, &Call)| ((*at).clone(), (*call).clone());
    match (key, open.as_slice()) {
        (Some(key), open) => {
            let found = open.iter().find(|(at, _)| *at == key).map(meant);
            found.ok_or_else(|| format!("{asked} at call {key}"))
        }
        (None, [only]) => Ok(meant(only)),
        (None, []) => Err(asked.to_owned()),
        (None, several) => {
            let keys: Vec<String> = several.iter().map(|(at, _)| at.to_string()).collect();
            Err(format!("asks at several calls: name one of {}", keys.join(", ")))
        }
    }
}
