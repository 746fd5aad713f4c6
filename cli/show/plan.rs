//! What a run would do.

use windlass_engine::run::{Plan, PlannedCall};
use windlass_engine::step::{Kind, PlannedRisk, Severity};
use windlass_engine::wait::is_wait;

use super::course::about;
use super::line;
use super::style::{bold, yellow};
use super::table::columns;

/// Names that are listed before the rest is counted.
const NAMES_SHOWN: usize = 5;

/// Prints a plan.
pub fn show(plan: &Plan) {
    lines(plan).iter().for_each(|text| line(text));
}

fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(target) = target(plan) {
        lines.extend([target, String::new()]);
    }
    lines.push(bold("What would be done"));
    lines.extend(calls(plan));
    lines.extend([String::new(), bold("Which services restart")]);
    lines.extend(restarts(plan));
    lines.extend([String::new(), bold("What to know before")]);
    lines.extend(risks(plan));
    lines
}

/// Returns which swarm it acts on, if that is known.
fn target(plan: &Plan) -> Option<String> {
    let identity = plan.identity.as_ref()?;
    Some(format!("{} {} at {}", bold("On the"), identity.name, plan.place))
}

/// Returns a plan in short, for those who are asked whether to start.
pub fn brief(plan: &Plan) -> Vec<String> {
    let (changes, services) = (plan.changes().count(), plan.restarts.len());
    let plural = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let mut lines: Vec<String> = target(plan).iter().map(|text| format!("  {text}")).collect();
    let restarts = if services == 0 {
        String::new()
    } else {
        let names = listed(plan.restarts.keys().map(String::as_str));
        format!("; {} restart: {names}", plural(services, "service"))
    };
    lines.push(format!("  {}{restarts}", plural(changes, "change")));
    let waits = plan.calls.iter().filter(|call| shown(call) && is_long(call));
    lines.extend(waits.map(|call| format!("  {}", said(call))));
    if let Some(pivot) = plan.calls.iter().find(|call| plan.pivot.as_ref() == Some(&call.key)) {
        lines.push(format!("  no way back after: {} {}", pivot.key, pivot.says));
    }
    if !plan.risks.is_empty() {
        lines.extend(risks(plan));
    }
    lines
}

/// Returns what would have been done before a run fails.
pub fn before(plan: &Plan) -> Vec<String> {
    match plan.changes().next() {
        None => Vec::new(),
        Some(_) => std::iter::once(bold("What would be done before")).chain(calls(plan)).collect(),
    }
}

/// Returns the changes and the waits, in the order of their places.
fn calls(plan: &Plan) -> Vec<String> {
    let calls = plan.calls.iter().filter(|call| shown(call));
    let rows: Vec<Vec<String>> = calls
        .map(|call| {
            let pivot = plan.pivot.as_ref() == Some(&call.key);
            let mark = match pivot {
                true => format!(
                    " {}",
                    yellow("<- the pivot: before it the run can go back, after it only forward")
                ),
                false => String::new(),
            };
            vec![format!("  {}", call.key), format!("{}{mark}", said(call))]
        })
        .collect();
    match rows.is_empty() {
        true => vec!["  nothing".to_owned()],
        false => columns(&rows),
    }
}

/// True for what changes something, and for what takes time.
fn shown(call: &PlannedCall) -> bool {
    match call.kind {
        Kind::Read => false,
        Kind::Wait => call.takes_ms != Some(0),
        Kind::Change | Kind::Destroy => true,
    }
}

/// True for a wait that is more than the end of a change.
fn is_long(call: &PlannedCall) -> bool {
    is_wait(&call.step) || call.takes_ms.is_some()
}

fn said(call: &PlannedCall) -> String {
    match call.takes_ms {
        Some(ms) if call.step == "window" => {
            format!("{}, which opens in {}", call.says, about(ms))
        }
        _ => call.says.clone(),
    }
}

fn restarts(plan: &Plan) -> Vec<String> {
    let times = |n: u32| match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    };
    let rows: Vec<Vec<String>> =
        plan.restarts.iter().map(|(service, n)| vec![format!("  {service}"), times(*n)]).collect();
    match rows.is_empty() {
        true => vec!["  none".to_owned()],
        false => columns(&rows),
    }
}

/// Returns the risks, each with the services that it is about.
fn risks(plan: &Plan) -> Vec<String> {
    if plan.risks.is_empty() {
        return vec!["  nothing".to_owned()];
    }
    plan.risks.iter().map(risk).collect()
}

fn risk(risk: &PlannedRisk) -> String {
    let text = match risk.severity {
        Severity::Wrong | Severity::Danger => yellow(&risk.text),
        Severity::Caution | Severity::Notice => risk.text.clone(),
    };
    format!("  - {text}: {}", listed(risk.about.iter().map(String::as_str)))
}

/// Returns the first of some names, and how many more there are.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let first = names[..names.len() - more].join(", ");
    if more > 0 { format!("{first} and {more} more") } else { first }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(key: &str, step: &str, kind: Kind, says: &str, takes_ms: Option<i64>) -> PlannedCall {
        let (step, says) = (step.to_owned(), says.to_owned());
        PlannedCall { key: key.parse().unwrap(), step, kind, says, takes_ms }
    }

    fn plan() -> Plan {
        let calls = vec![
            call("1", "secret.find", Kind::Read, "secret.find", None),
            call("2", "secret.create", Kind::Change, "create secret db_v2", None),
            call(
                "3",
                "service.observe",
                Kind::Wait,
                "watch 2 services with db_v2 for 10m",
                Some(600_000),
            ),
            call("4", "service.observe", Kind::Wait, "watch 0 services with db_v2 for 0s", Some(0)),
            call("5", "window", Kind::Wait, "wait for 02:00-04:00", Some(7_200_000)),
            call("6", "approve", Kind::Wait, "approval by 2 people: destroy it?", None),
            call("7", "secret.remove", Kind::Destroy, "remove secret db_v1", None),
        ];
        let risk = |severity, text: &str, about: &[&str]| PlannedRisk {
            severity,
            kind: "kind".to_owned(),
            text: text.to_owned(),
            about: about.iter().map(|name| (*name).to_owned()).collect(),
        };
        let risks = vec![
            risk(Severity::Danger, "one replica that is stopped first", &["queue"]),
            risk(Severity::Notice, "no health check", &["a", "b", "c", "d", "e", "f", "g"]),
        ];
        let restarts = ["api", "web", "queue"].map(|name| (name.to_owned(), 1)).into();
        let (place, identity) = (String::new(), None);
        Plan { calls, restarts, risks, pivot: Some("7".parse().unwrap()), place, identity }
    }

    /// `plan` showed no wait, although the book says that it does.
    #[test]
    fn waits_stand_among_the_calls_and_services_with_the_same_risk_together() {
        let expected = "\
What would be done
  2  create secret db_v2
  3  watch 2 services with db_v2 for 10m
  5  wait for 02:00-04:00, which opens in 2 h
  6  approval by 2 people: destroy it?
  7  remove secret db_v1 <- the pivot: before it the run can go back, after it only forward

Which services restart
  api    once
  queue  once
  web    once

What to know before
  - one replica that is stopped first: queue
  - no health check: a, b, c, d, e and 2 more";
        assert_eq!(lines(&plan()).join("\n"), expected);
    }

    #[test]
    fn the_question_before_the_start_tells_what_matters_most() {
        let expected = "  2 changes; 3 services restart: api, queue, web
  watch 2 services with db_v2 for 10m
  wait for 02:00-04:00, which opens in 2 h
  approval by 2 people: destroy it?
  no way back after: 7 remove secret db_v1
  - one replica that is stopped first: queue
  - no health check: a, b, c, d, e and 2 more";
        assert_eq!(brief(&plan()).join("\n"), expected);
    }

    #[test]
    fn a_plan_that_fails_lists_what_would_be_done_before_if_anything() {
        let mut plan = plan();
        assert_eq!(before(&plan)[0], "What would be done before");
        plan.calls.retain(|call| !call.kind.changes());
        assert!(before(&plan).is_empty());
    }
}
