//! Everything that can go wrong in a run, put at every place where it can.

mod pairs;

use windlass_engine::id::CallKey;
use windlass_engine::run::Point;
use windlass_engine::step::Kind;
use windlass_lab::simulated::{ELECTION_MS, Edit, Fault, On, What};

use crate::oracle::FOREIGN;
use crate::trace::{Trace, Traced};
use crate::variant::{May, Moment, Strike, Variant};

/// The kinds of fault: name, a word or three, and what they mean.
pub(crate) const KINDS: &[(&str, &str, &str)] = &[
    ("kill-intent", "kill before", "killed when the intent was recorded, and nothing done"),
    ("kill-effect", "kill after", "killed when it was done, and not recorded"),
    ("kill-outcome", "kill unsynced", "killed when the outcome was not yet on the disk"),
    ("kill-torn", "kill torn", "the same, and one of the unsynced writes reached the disk"),
    ("kill-twice", "kill twice", "killed when it was done, and again early in the resume"),
    ("journal-cut", "disk full", "the disk is full from one entry on; unsynced ones are lost"),
    ("error", "refused", "the daemon says no"),
    ("unavailable", "503", "the daemon is unavailable once"),
    ("lost-request", "request lost", "the connection breaks before the request arrives"),
    ("lost-answer", "answer lost", "it is done, and the answer is lost"),
    ("twice", "twice", "the network delivers the request twice"),
    ("slow", "slow", "the daemon answers half a minute late"),
    ("away", "away", "the manager is away for 40 seconds"),
    ("no-quorum", "no quorum", "the managers have no leader for 40 seconds"),
    ("second-writer", "second writer", "somebody writes to the service in the same moment"),
    ("foreign-edit", "foreign edit", "somebody changes a service between two calls"),
    ("newcomer", "newcomer", "somebody deploys a new service that uses the secret"),
    ("usurper", "usurper", "somebody switches a service to a third secret"),
    ("slow-start", "slow start", "the new tasks take half a minute to start"),
    ("stall", "stall", "the new tasks never start"),
    ("task-fails", "tasks fail", "the new tasks exit at once"),
    ("some-fail", "some fail", "all new tasks but one exit at once"),
    ("fails-late", "fails late", "the new tasks run for a while, and fail within the window"),
    ("leader", "leader", "another manager leads from now on"),
    (
        "dead-edit",
        "dead: edit",
        "killed when it was done; somebody changes the service before the resume",
    ),
    ("dead-leader", "dead: leader", "the same, and another manager leads at the resume"),
    ("dead-removed", "dead: removed", "the same, and the service is removed before the resume"),
    ("dead-newcomer", "dead: newcomer", "the same, and a new service uses the secret"),
    (
        "impostor",
        "impostor",
        "killed before it was done; somebody else makes an object of that name",
    ),
    ("slow-kill", "slow, kill", "the new tasks start slowly, and the process is killed meanwhile"),
    ("slow-twice", "slow, twice", "the new tasks start slowly, and the request is delivered twice"),
    (
        "slow-cancel",
        "slow, cancel",
        "the new tasks start slowly, and an operator cancels meanwhile",
    ),
    ("cancel", "cancel", "an operator cancels the run"),
    ("undo-kill-intent", "undo: kill before", "going back, killed before the call was undone"),
    ("undo-kill-effect", "undo: twice", "going back, killed after it: it is undone twice"),
    ("undo-lost-answer", "undo: answer lost", "going back, the answer is lost"),
    ("undo-error", "undo: refused", "going back, the daemon says no"),
];

/// Half a minute and a bit: longer than a manager's election, shorter than the patience of a step.
const AWAY_MS: i64 = 40_000;

/// Returns every variant for a clean pass, and for a pass that went all the way back.
///
/// `watch_ms` is how long the runbook was told to watch before it destroys something.
pub(crate) fn everything(clean: &Trace, back: Option<&Trace>, watch_ms: i64) -> Vec<Variant> {
    let mut variants = Vec::new();
    for call in &clean.calls {
        deaths(call, &mut variants);
        requests(call, &mut variants);
        others(call, clean, &mut variants);
        tasks(call, clean, watch_ms, &mut variants);
        pairs::pairs(call, clean, &mut variants);
        variants.extend(cancel(call));
    }
    for call in back.iter().flat_map(|back| &back.calls).filter(|call| call.undone) {
        going_back(call, clean, &mut variants);
    }
    journal(clean, &mut variants);
    variants
}

/// Returns the variant that makes a run go back from its last call before the pivot.
pub(crate) fn turn_back(clean: &Trace) -> Option<Variant> {
    let last = clean.calls.iter().rev();
    let last = last.filter(|c| c.kind.changes() && c.changes > 0);
    let last = last.into_iter().find(|c| clean.before_pivot(&c.key))?;
    Some(variant(last, "error", vec![refused(&last.key, 1)], May::EndOldOrStick))
}

fn variant(call: &Traced, fault: &'static str, strikes: Vec<Strike>, may: May) -> Variant {
    let id = format!("{}/{fault}", call.key);
    let lost = matches!(fault, "kill-effect" | "kill-twice" | "lost-answer");
    let finds = lost && call.kind.changes() && call.changes > 0;
    Variant { id, call: Some(call.key.clone()), fault, strikes, may, finds }
}

fn die(point: Point, call: &CallKey, kept: usize) -> Strike {
    Strike::Die { at: Moment::Point(point, call.clone()), kept }
}

fn deaths(call: &Traced, into: &mut Vec<Variant>) {
    let mut add = |fault, strikes| into.push(variant(call, fault, strikes, May::OnlyEndNew));
    if call.kind != Kind::Read {
        add("kill-intent", vec![die(Point::AfterIntent, &call.key, 0)]);
    }
    add("kill-effect", vec![die(Point::AfterEffect, &call.key, 0)]);
    add("kill-outcome", vec![die(Point::AfterOutcome, &call.key, 0)]);
    add("kill-torn", vec![die(Point::AfterOutcome, &call.key, 1)]);
    if call.kind.changes() {
        let again = Strike::Die { at: Moment::Nth(0), kept: 0 };
        let later = Strike::Die { at: Moment::Nth(1), kept: 1 };
        add("kill-twice", vec![die(Point::AfterEffect, &call.key, 0), again, later]);
    }
}

/// A fault at a request of a call: the nth that changes something, or the nth of all.
fn at(call: &CallKey, changing: bool, nth: u32, what: What) -> Strike {
    let changing = changing.then_some(true);
    let call = Some(call.to_string());
    Strike::Request(Fault {
        on: On { call, method: None, target: None, changing, nth, times: 1 },
        what,
    })
}

fn refused(call: &CallKey, nth: u32) -> Strike {
    let message = "rpc error: code = InvalidArgument desc = refused by a rehearsal".to_owned();
    at(call, true, nth, What::Refuse { status: 400, message })
}

fn requests(call: &Traced, into: &mut Vec<Variant>) {
    if call.asks == 0 {
        return;
    }
    let changing = call.changes > 0;
    let at = |what| vec![at(&call.key, changing, 1, what)];
    let mut add = |fault, what, may| into.push(variant(call, fault, at(what), may));
    let refuse = |status, message: &str| What::Refuse { status, message: message.to_owned() };
    let no = "rpc error: code = InvalidArgument desc = refused by a rehearsal";
    add("error", refuse(400, no), May::EndOldOrStick);
    add("unavailable", refuse(503, "rehearsed: unavailable for a moment"), May::OnlyEndNew);
    add("lost-request", What::LoseRequest, May::OnlyEndNew);
    add("lost-answer", What::LoseAnswer, May::OnlyEndNew);
    add("slow", What::Slow { ms: 30_000 }, May::OnlyEndNew);
    add("away", What::Away { ms: AWAY_MS }, May::OnlyEndNew);
    if changing {
        add("leader", What::Edit(Edit::LeaderChange { ms: ELECTION_MS }), May::OnlyEndNew);
        add("twice", What::Twice, May::OnlyEndNew);
        add("no-quorum", What::NoQuorum { ms: AWAY_MS }, May::OnlyEndNew);
    }
}

/// What other people do meanwhile.
fn others(call: &Traced, clean: &Trace, into: &mut Vec<Variant>) {
    if call.asks == 0 {
        return;
    }
    let changing = call.changes > 0;
    let edit = |nth, edit| at(&call.key, changing, nth, What::Edit(edit));
    let env =
        |service: &str| Edit::Env { service: service.to_owned(), line: format!("MARK={FOREIGN}") };
    if let (Some(service), true) = (call.service(), changing) {
        into.push(variant(call, "second-writer", vec![edit(1, env(service))], May::OnlyEndNew));
    }
    let services: Vec<&str> = clean.calls.iter().filter_map(Traced::service).collect();
    if let Some(service) = services.get(call.key.path().len() % services.len().max(1)) {
        let strike = at(&call.key, false, 1, What::Edit(env(service)));
        // A service whose update takes longer than the run waits for it is not touched.
        let begun = clean.changes_before(&call.key);
        let may = if begun { May::OnlyEndNew } else { May::EndNewOrRefuse };
        into.push(variant(call, "foreign-edit", vec![strike], may));
    }
    if let (Some(secret), true) = (clean.destroyed(), clean.before_pivot(&call.key)) {
        let newcomer =
            Edit::CreateService { name: format!("{FOREIGN}-newcomer"), secret: secret.to_owned() };
        let strike = at(&call.key, false, 1, What::Edit(newcomer));
        into.push(variant(call, "newcomer", vec![strike], May::OnlyEndNew));
    }
    if let (Kind::Wait, Some(service), Some(secret)) =
        (call.kind, call.service(), call.args["secret"]["name"].as_str())
    {
        let third = format!("{FOREIGN}-third");
        let switch = |from: &str, to: &str| Edit::SecretRefs {
            service: service.to_owned(),
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let create = Edit::CreateSecret { name: third.clone(), value: "third".to_owned() };
        let strikes = vec![
            edit(1, create),
            edit(1, switch(secret, &third)),
            Strike::Remedy(switch(&third, secret)),
        ];
        into.push(variant(call, "usurper", strikes, May::EndOldOrStick));
    }
}

/// Later than tasks are watched for by the service's own rules, as most people set them.
const LATE_MS: i64 = 20_000;

/// Tasks that don't do what they should.
fn tasks(call: &Traced, clean: &Trace, watch_ms: i64, into: &mut Vec<Variant>) {
    let Some(service) = call.service().map(str::to_owned) else { return };
    if call.changes == 0 {
        return;
    }
    let edit = |edit| at(&call.key, true, 1, What::Edit(edit));
    let heal = || Strike::Remedy(Edit::Heal { service: service.clone() });
    let slow = Edit::SlowStart { service: service.clone(), ms: 30_000 };
    // Slow tasks, one after another, can take longer than the runbook's deadline allows.
    into.push(variant(call, "slow-start", vec![edit(slow)], May::EndOldOrStick));
    let stall = Edit::Stall { service: service.clone() };
    into.push(variant(call, "stall", vec![edit(stall), heal()], May::EndOldOrStick));
    let fail = Edit::FailTasks { service: service.clone(), after_ms: None };
    into.push(variant(call, "task-fails", vec![edit(fail), heal()], May::EndOldOrStick));
    let some = Edit::FailAllButOne { service: service.clone() };
    into.push(variant(call, "some-fail", vec![edit(some), heal()], May::EndOldOrStick));
    // Within the window that comes after all services have converged.
    if watch_ms >= LATE_MS && clean.waits_after(call) {
        let late = Edit::FailTasks { service: service.clone(), after_ms: Some(LATE_MS) };
        into.push(variant(call, "fails-late", vec![edit(late), heal()], May::OnlyEndOld));
    }
}

fn cancel(call: &Traced) -> Option<Variant> {
    let strikes = vec![Strike::Cancel(call.key.clone())];
    (call.kind != Kind::Read).then(|| variant(call, "cancel", strikes, May::EndOldOrStick))
}

/// What goes wrong while the run goes back from the last call before its pivot.
fn going_back(call: &Traced, clean: &Trace, into: &mut Vec<Variant>) {
    let Some(turn) = turn_back(clean) else { return };
    let forward = clean.call(&call.key).map_or(0, |c| c.changes);
    let mut add = |fault, strike| {
        let mut strikes = turn.strikes.clone();
        strikes.push(strike);
        into.push(variant(call, fault, strikes, May::EndOldOrStick));
    };
    add("undo-kill-intent", die(Point::AfterUndoIntent, &call.key, 0));
    add("undo-kill-effect", die(Point::AfterUndoEffect, &call.key, 0));
    if call.changes > forward {
        add("undo-lost-answer", at(&call.key, true, forward + 1, What::LoseAnswer));
        add("undo-error", refused(&call.key, forward + 1));
    }
}

/// The journal ends at every entry in turn.
fn journal(clean: &Trace, into: &mut Vec<Variant>) {
    for (entry, call) in clean.entries.iter().enumerate() {
        let id = format!("entry-{entry}/journal-cut");
        let strikes = vec![Strike::StoreFull(entry)];
        let (call, fault) = (call.clone(), "journal-cut");
        into.push(Variant { id, call, fault, strikes, may: May::OnlyEndNew, finds: false });
    }
}
