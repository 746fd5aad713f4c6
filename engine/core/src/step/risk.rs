//! What an operator should know before saying yes: told by the calls of a plan one by one, and
//! gathered for the run as a whole.
//!
//! Thirty services that are switched twice would be ninety lines. So a risk has a kind and a
//! subject: what is told again about the same takes the place of what was told before, and what is
//! said of many subjects in the same words is said once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;

/// How bad a risk is. The worst come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Something is wrong already, before the run.
    Wrong,
    /// Something is likely to stop working.
    Danger,
    /// Something may stop working, or has to be done by somebody.
    Caution,
    /// Good to know.
    Notice,
}

/// A risk, as one call tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of risk it is, in one word, the same in every version.
    pub kind: Cow<'static, str>,
    /// What it is about: the name of a service. Of each kind, the last call to tell of a subject
    /// has the last word.
    pub about: String,
    /// What can happen, without the name of the subject and without a full stop.
    pub text: String,
}

/// A risk of a run: of one kind, in the same words for all its subjects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct PlannedRisk {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of risk it is.
    pub kind: String,
    /// What can happen.
    pub text: String,
    /// The names of the services that it is about, in order.
    pub about: Vec<String>,
}

/// The risks of a run, while its calls are planned.
#[derive(Debug, Clone, Default)]
pub(crate) struct Risks {
    told: BTreeMap<(Cow<'static, str>, String), (Severity, String)>,
}

impl Risks {
    /// Adds what a call tells.
    pub(crate) fn tell(&mut self, risk: Risk) {
        self.told.insert((risk.kind, risk.about), (risk.severity, risk.text));
    }

    /// Returns them with the worst first, each text once; the order does not depend on that of
    /// the calls.
    pub(crate) fn gathered(&self) -> Vec<PlannedRisk> {
        let mut groups: BTreeMap<(Severity, &str, &str), Vec<String>> = BTreeMap::new();
        for ((kind, about), (severity, text)) in &self.told {
            groups.entry((*severity, kind, text)).or_default().push(about.clone());
        }
        let group = |((severity, kind, text), about): ((_, &str, &str), _)| PlannedRisk {
            severity,
            kind: kind.to_owned(),
            text: text.to_owned(),
            about,
        };
        groups.into_iter().map(group).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn risk(severity: Severity, kind: &'static str, about: &str, text: &str) -> Risk {
        Risk { severity, kind: kind.into(), about: about.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn many_subjects_of_a_risk_are_one_line_and_the_worst_come_first() {
        let mut told = vec![
            risk(Severity::Notice, "health_check", "web", "no health check"),
            risk(Severity::Danger, "outage", "db", "an outage"),
            risk(Severity::Notice, "health_check", "api", "no health check"),
            risk(Severity::Notice, "health_check", "web", "no health check"),
        ];
        let lines = |told: &[Risk]| -> Vec<String> {
            let mut risks = Risks::default();
            told.iter().cloned().for_each(|risk| risks.tell(risk));
            let line = |r: &PlannedRisk| format!("{}: {}", r.text, r.about.join(", "));
            risks.gathered().iter().map(line).collect()
        };
        let expected = ["an outage: db", "no health check: api, web"];
        assert_eq!(lines(&told), expected);
        told.reverse();
        assert_eq!(lines(&told), expected, "branches of a plan come in any order");
    }

    /// The first hop of a rotation under the same name told people to write `db.tmp` into their
    /// stack file, although the second hop goes back to `db`.
    #[test]
    fn the_last_call_to_tell_of_a_subject_has_the_last_word() {
        let mut risks = Risks::default();
        risks.tell(risk(Severity::Caution, "stack_file", "web", "name db.tmp"));
        risks.tell(risk(Severity::Notice, "stack_file", "web", "no deploy meanwhile"));
        let gathered = risks.gathered();
        assert_eq!(gathered.len(), 1);
        assert_eq!(gathered[0].text, "no deploy meanwhile");
    }
}
