//! Two things at once: what one fault alone does not show.
//!
//! A process that is dead can't see what others do; and while a task is starting, a second write to
//! its service ends the one that still serves.

use windlass_engine::id::CallKey;
use windlass_engine::run::Point;
use windlass_engine::step::Kind;
use windlass_lab::simulated::{Edit, What};

use super::{ELECTION_MS, at, die, variant};
use crate::oracle::FOREIGN;
use crate::trace::{Trace, Traced};
use crate::variant::{May, Strike, Variant};

/// Longer than a resume takes, shorter than the patience of a step.
const SLOW_MS: i64 = 30_000;

/// Adds the pairs of faults for a call.
pub(super) fn pairs(call: &Traced, clean: &Trace, into: &mut Vec<Variant>) {
    if !call.kind.changes() || call.changes == 0 {
        return;
    }
    while_dead(call, clean, into);
    impostor(call, into);
    while_starting(call, into);
}

/// The process is killed when the call was done, and somebody is at work before the resume.
fn while_dead(call: &Traced, clean: &Trace, into: &mut Vec<Variant>) {
    let mut add = |fault, edit, may| {
        let strikes = vec![die(Point::AfterEffect, &call.key, 0), Strike::Meanwhile(edit)];
        into.push(variant(call, fault, strikes, may));
    };
    add("dead-leader", Edit::LeaderChange { ms: ELECTION_MS }, May::OnlyEndNew);
    if let Some(service) = call.service() {
        let (service, line) = (service.to_owned(), format!("MARK={FOREIGN}"));
        add("dead-edit", Edit::Env { service: service.clone(), line }, May::OnlyEndNew);
        add("dead-removed", Edit::RemoveService { name: service }, May::OnlyEndNew);
    }
    if let (Some(secret), true) = (clean.destroyed(), clean.before_pivot(&call.key))
        && call.kind != Kind::Destroy
    {
        let (name, secret) = (format!("{FOREIGN}-newcomer"), secret.to_owned());
        let newcomer = Edit::CreateService { name, secret };
        add("dead-newcomer", newcomer, May::OnlyEndNew);
    }
}

/// Somebody else makes a secret of the name that the call is about to take.
fn impostor(call: &Traced, into: &mut Vec<Variant>) {
    if call.step != "secret.create" {
        return;
    }
    let Some(name) = call.args["name"].as_str().map(str::to_owned) else { return };
    let theirs = Edit::CreateSecret { name: name.clone(), value: format!("{FOREIGN} {name}") };
    let strikes = vec![
        die(Point::AfterIntent, &call.key, 0),
        Strike::Meanwhile(theirs),
        Strike::Remedy(Edit::RemoveSecret { name }),
    ];
    into.push(variant(call, "impostor", strikes, May::EndOldOrStick));
}

/// The new tasks of the service start slowly, and the run could be tempted to write again.
fn while_starting(call: &Traced, into: &mut Vec<Variant>) {
    let Some(service) = call.service().map(str::to_owned) else { return };
    let slow = || slowly(&call.key, &service);
    let mut add = |fault, strike, may| into.push(variant(call, fault, vec![slow(), strike], may));
    // Slow tasks, one after another, can take longer than the runbook's deadline allows.
    add("slow-kill", die(Point::AfterEffect, &call.key, 0), May::EndOldOrStick);
    add("slow-twice", at(&call.key, true, 1, What::Twice), May::EndOldOrStick);
    add("slow-cancel", Strike::Cancel(call.key.clone()), May::EndOldOrStick);
}

fn slowly(call: &CallKey, service: &str) -> Strike {
    let slow = Edit::SlowStart { service: service.to_owned(), ms: SLOW_MS };
    at(call, true, 1, What::Edit(slow))
}
