//! People answer: they approve, deny, or tell what they are asked.
//!
//! Who somebody is, and which roles they have, is found out by whoever speaks to the engine in their
//! name. Whether that is enough is checked here: they have a role that is asked for, are not the same
//! person twice, and not the one who started the run if that one does not count.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, Weak};

use serde_json::{Value, json};
use tokio::sync::OwnedMutexGuard;

use super::hold::Hold;
use super::{Drive, Engine, EngineError};
use crate::id::{CallKey, RunId};
use crate::journal::{Answer, Body, Bound, CallStatus, Origin, RunStatus};
use crate::run::{Asked, Call, RunState};
use crate::runbook::ParameterKind;
use crate::secret::Secret;
use crate::wait::{Approval, Question, Wait};

/// What came of an approval.
#[derive(
    Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
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

/// How often to look again when others answer meanwhile.
const LOOKS_MAX: usize = 5;

/// Somebody who answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who, and from where.
    pub by: Origin,
    /// Their roles; all there are, if none are listed: so for whoever can open the state directory.
    pub roles: Option<Vec<String>>,
}

impl Person {
    /// Returns somebody who can open the state directory, and so has every role.
    pub fn at_home(by: Origin) -> Self {
        Person { by, roles: None }
    }

    fn must_have(&self, wanted: &[String]) -> Result<(), EngineError> {
        let Some(roles) = &self.roles else { return Ok(()) };
        if wanted.is_empty() || wanted.iter().any(|role| roles.contains(role)) {
            return Ok(());
        }
        let (user, wanted) = (&self.by.user, wanted.join(" or "));
        Err(EngineError::Refused(format!("{user} does not have the role {wanted}")))
    }
}

/// A wait that people are asked about, found.
struct Found<'a> {
    hold: &'a Hold,
    key: CallKey,
    call: Call,
    starter: Origin,
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
        by: &Person,
        reason: Option<&str>,
    ) -> Result<Approved, EngineError> {
        EngineError::if_not_fit(reason.unwrap_or_default())?;
        let mut hold = self.hold_here(run).await?;
        for _ in 0..LOOKS_MAX {
            if let Some(approved) = self.try_approve(&hold, key, by, reason).await? {
                return Ok(approved);
            }
            if !hold.is_current() {
                hold = self.hold(run)?;
            }
        }
        let why = format!("somebody else has answered {run} meanwhile: look at it again");
        Err(EngineError::NotNow(why))
    }

    /// Approves, unless somebody else has answered while this one looked.
    async fn try_approve(
        &self,
        hold: &Hold,
        key: Option<&CallKey>,
        by: &Person,
        reason: Option<&str>,
    ) -> Result<Option<Approved>, EngineError> {
        // A look takes its time, and others must be able to answer meanwhile.
        let looked = self.look_again(may_approve(hold, key, by)?).await?;
        let _one_at_a_time = self.one_at_a_time(hold.run()).await;
        if !hold.is_current() {
            return Ok(None);
        }
        let (found, approval, needed) = may_approve(hold, key, by)?;
        let asked = found.call.asked.clone().unwrap_or_default();
        let reason = reason.map(str::to_owned);
        if needed > 0 {
            let answer = Answer::Approved { reason, enough: false };
            self.answered(&found, answer, by, BTreeMap::new())?;
            return Ok(Some(Approved::More { needed }));
        }
        let Some((_, now)) = looked.filter(|(then, _)| *then == asked) else {
            return Ok(None);
        };
        let driver = &found.hold.drive.driver;
        let why = driver.lapsed(asked.bound.as_ref(), &now);
        let Some(why) = why else {
            let answer = Answer::Approved { reason, enough: true };
            self.answered(&found, answer, by, BTreeMap::new())?;
            return Ok(Some(Approved::Enough));
        };
        self.answered(&found, Answer::Lapsed { why: why.clone() }, by, BTreeMap::new())?;
        let until = approval.deadline.map(|span| crate::clock::millis(span.0));
        driver.ledger.record(Body::Waiting {
            key: found.key.clone(),
            head: found.call.head(),
            says: found.call.says.clone(),
            until: until.map(|length| self.0.clock.now().saturating_add(length)),
            bound: Some(now),
        })?;
        driver.standby.waits.end(&found.key);
        Ok(Some(Approved::Lapsed { why }))
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
        by: &Person,
        reason: &str,
    ) -> Result<(), EngineError> {
        EngineError::if_not_fit(reason)?;
        let (hold, _one_at_a_time) = self.hold_to_answer(run).await?;
        let (found, approval) = approval(&hold, key)?;
        by.must_have(&approval.roles)?;
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
        by: &Person,
        given: &[(String, String)],
        secrets: Vec<(String, Secret)>,
    ) -> Result<(), EngineError> {
        let (hold, _one_at_a_time) = self.hold_to_answer(run).await?;
        let found = asked(&hold, key, "ask")?;
        let Ok(Wait::Ask(question)) = found.call.wait() else {
            return Err(EngineError::Damaged(format!("the question of {run} can't be read")));
        };
        by.must_have(&question.roles)?;
        let (output, sealed) = sealed_answer(&found, &question, given, secrets)?;
        self.answered(&found, Answer::Given { output }, by, sealed)
    }

    /// Looks what the run would do now, if the last approval depends on it.
    async fn look_again(
        &self,
        (found, _, needed): (Found<'_>, Approval, u32),
    ) -> Result<Option<(Asked, Bound)>, EngineError> {
        if needed > 0 {
            return Ok(None);
        }
        let Drive { driver, runbook } = found.hold.drive.clone();
        let now = tokio::task::spawn_blocking(move || driver.bound(&runbook)).await;
        let now = now.map_err(|e| EngineError::Machine(format!("the plan ended early: {e}")))?;
        let now = now.map_err(|error| {
            let run = found.hold.run();
            let why = format!("what {run} would do can't be worked out now: {error}");
            EngineError::NotNow(why)
        })?;
        Ok(Some((found.call.asked.clone().unwrap_or_default(), now)))
    }

    /// Waits until nobody else answers a run, and then holds it.
    async fn hold_to_answer(
        &self,
        run: &RunId,
    ) -> Result<(Hold, OwnedMutexGuard<()>), EngineError> {
        let hold = self.hold_here(run).await?;
        let one_at_a_time = self.one_at_a_time(run).await;
        let hold = if hold.is_current() { hold } else { self.hold(run)? };
        Ok((hold, one_at_a_time))
    }

    async fn one_at_a_time(&self, run: &RunId) -> OwnedMutexGuard<()> {
        let lock = {
            let answering = &self.0.answering;
            let mut answering = answering.lock().unwrap_or_else(PoisonError::into_inner);
            answering.retain(|_, lock| lock.strong_count() > 0);
            let known = answering.get(run).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let lock = Arc::default();
                answering.insert(run.clone(), Arc::downgrade(&lock));
                lock
            })
        };
        lock.lock_owned().await
    }

    /// Records an answer, and has the run go on if this process drives it.
    fn answered(
        &self,
        found: &Found<'_>,
        answer: Answer,
        by: &Person,
        sealed: BTreeMap<String, String>,
    ) -> Result<(), EngineError> {
        let over =
            !matches!(answer, Answer::Approved { enough: false, .. } | Answer::Lapsed { .. });
        let (run, driver) = (found.hold.run(), &found.hold.drive.driver);
        let by = Some(by.by.clone());
        let body = Body::Answered { key: found.key.clone(), answer, by, sealed };
        self.0.alone(run, || {
            if !found.hold.is_current() {
                let why = format!("{run} was resumed or parked meanwhile: try again");
                return Err(EngineError::NotNow(why));
            }
            driver.ledger.record(body).map_err(|error| {
                let status = driver.ledger.look(|state| state.status_of(&found.key));
                let late = format!("{run} no longer waits at {}", found.key);
                let waits = status == Some(CallStatus::Waiting);
                if waits { error.into() } else { EngineError::NotNow(late) }
            })
        })?;
        if over {
            driver.standby.waits.end(&found.key);
        }
        Ok(())
    }
}

/// Finds what this person may approve, and how many more people that then needs.
fn may_approve<'a>(
    hold: &'a Hold,
    key: Option<&CallKey>,
    by: &Person,
) -> Result<(Found<'a>, Approval, u32), EngineError> {
    let (found, approval) = approval(hold, key)?;
    by.must_have(&approval.roles)?;
    let so_far = found.call.asked.as_ref().map(|asked| asked.approvals.as_slice());
    let so_far = so_far.unwrap_or_default();
    if let Some(why) = approval.refuses(&by.by, &found.starter, so_far) {
        return Err(EngineError::Refused(why));
    }
    let with_this = u32::try_from(so_far.len()).unwrap_or(u32::MAX).saturating_add(1);
    let needed = approval.of.saturating_sub(with_this);
    Ok((found, approval, needed))
}

fn approval<'a>(
    hold: &'a Hold,
    key: Option<&CallKey>,
) -> Result<(Found<'a>, Approval), EngineError> {
    let found = asked(hold, key, "approve")?;
    match found.call.wait() {
        Ok(Wait::Approve(approval)) => Ok((found, approval)),
        _ => Err(EngineError::Damaged(format!("{} asks what can't be read", hold.run()))),
    }
}

/// Finds what a run asks of people.
fn asked<'a>(hold: &'a Hold, key: Option<&CallKey>, what: &str) -> Result<Found<'a>, EngineError> {
    let run = hold.run();
    let (status, starter, open) = hold.drive.driver.ledger.look(|state| {
        let starter = state.created.as_ref().map(|created| created.by.clone());
        (state.status, starter, open(state, key, what))
    });
    if let Some(RunStatus::Finished(end)) = status {
        return Err(EngineError::Over { run: run.clone(), end });
    }
    let (key, call) = open.map_err(|why| EngineError::NotNow(format!("{run} {why}")))?;
    if status != Some(RunStatus::Running) {
        let why = format!("{run} is stuck or being undone, and takes no answers now");
        return Err(EngineError::NotNow(why));
    }
    // Without a starter nobody could be refused for being the one.
    let starter = starter.ok_or_else(|| EngineError::NoSuchRun(run.to_string()))?;
    Ok(Found { hold, key, call, starter })
}

/// Seals what is secret of an answer.
fn sealed_answer(
    found: &Found<'_>,
    question: &Question,
    given: &[(String, String)],
    secrets: Vec<(String, Secret)>,
) -> Result<(Value, BTreeMap<String, String>), EngineError> {
    let names: Vec<String> = secrets.iter().map(|(name, _)| name.clone()).collect();
    let misfit = |problem| EngineError::Answer { run: found.hold.run().clone(), problem };
    let mut values = question.values(given, &names).map_err(misfit)?;
    let mut sealed = BTreeMap::new();
    for (field, value) in secrets {
        // Only now: a value that is not asked for is not kept.
        let asked = question.fields.get(&field);
        if asked.is_none_or(|field| field.kind != ParameterKind::Secret) {
            return Err(EngineError::NotNow(format!("`{field}` is no secret: give it openly")));
        }
        let name = format!("answer {} {field}", found.key);
        let sealing = found.hold.drive.driver.sealed.seal(&name, value);
        sealing.map_err(|e| EngineError::Machine(e.to_string()))?;
        sealed.extend(found.hold.drive.driver.sealed.take_fresh_of(&name));
        values.insert(field, json!({ "$sealed": name }));
    }
    Ok((Value::Object(values), sealed))
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
