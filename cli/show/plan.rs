//! What a run would do.

use windlass_engine::run::Plan;
use windlass_engine::step::{Kind, PlannedRisk, Severity};

use super::line;
use super::style::{bold, dim, yellow};
use super::table::columns;

/// Of more services than this, a risk tells only how many more they are.
const SERVICES_SHOWN: usize = 6;

/// Prints a plan.
pub fn show(plan: &Plan) {
    if let Some(identity) = &plan.identity {
        line(&format!("{} {} at {}", bold("On the"), identity.name, plan.place));
        line("");
    }
    line(&bold("What would be done"));
    let calls = plan.calls.iter().filter(|call| call.kind.changes());
    let rows: Vec<Vec<String>> = calls
        .map(|call| {
            let pivot = plan.pivot.as_ref() == Some(&call.key);
            let mark = match (pivot, call.kind) {
                (true, _) => format!(
                    " {}",
                    yellow("<- the pivot: before it the run can go back, after it only forward")
                ),
                (false, Kind::Destroy) => format!(" {}", dim("(for good)")),
                _ => String::new(),
            };
            vec![format!("  {}", call.key), format!("{}{mark}", call.says)]
        })
        .collect();
    columns(&rows).iter().for_each(|row| line(row));
    line("");
    line(&bold("Which services restart"));
    if plan.restarts.is_empty() {
        line("  none");
    }
    let times = |n: u32| match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    };
    let rows: Vec<Vec<String>> =
        plan.restarts.iter().map(|(service, n)| vec![format!("  {service}"), times(*n)]).collect();
    columns(&rows).iter().for_each(|row| line(row));
    line("");
    line(&bold("What to know before"));
    if plan.risks.is_empty() {
        line("  nothing");
    }
    plan.risks.iter().for_each(|risk| line(&said(risk)));
}

/// Returns a risk with the services that it is about: many services are one line.
fn said(risk: &PlannedRisk) -> String {
    let shown: Vec<&str> = risk.about.iter().take(SERVICES_SHOWN).map(String::as_str).collect();
    let more = match risk.about.len().saturating_sub(SERVICES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = match risk.severity {
        Severity::Danger => yellow(&risk.text),
        Severity::Caution | Severity::Notice => risk.text.clone(),
    };
    format!("  - {text}: {}{more}", shown.join(", "))
}
