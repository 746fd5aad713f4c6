//! What a notice says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_engine::clock::Millis;
use windlass_engine::event::{Summary, shown};
use windlass_engine::id::RunId;

/// What a notice is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "NoticeKind")]
pub enum Kind {
    /// A run failed, and what it did was undone.
    Failed,
    /// A run needs a person to decide.
    Stuck,
    /// A run waits for somebody's answer.
    Waiting,
    /// A run that was interrupted or stuck goes on.
    Recovered,
    /// A run ended done, or was cancelled.
    Finished,
    /// A schedule came and no run was started.
    Missed,
    /// A schedule has had no success for too long.
    Overdue,
    /// Somebody tries a receiver.
    Test,
}

impl Kind {
    /// Returns the kind as text.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Failed => "failed",
            Kind::Stuck => "stuck",
            Kind::Waiting => "waiting",
            Kind::Recovered => "recovered",
            Kind::Finished => "finished",
            Kind::Missed => "missed",
            Kind::Overdue => "overdue",
            Kind::Test => "test",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A notice. It carries no parameter of a run, public or not: what a parameter may tell is for
/// those to see who can read the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The same whenever the same thing is told: receivers know a repeated notice by it.
    pub key: String,
    /// What it is about.
    pub kind: Kind,
    /// When that happened.
    pub at: Millis,
    /// In one line.
    pub title: String,
    /// More lines: what is known, and what to do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// Which run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Its runbook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runbook: Option<String>,
    /// Which schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Where it acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

impl Notice {
    /// Returns a notice about a schedule. What is told at one time is one notice.
    pub fn of_schedule(
        name: &str,
        kind: Kind,
        about: Millis,
        at: Millis,
        title: String,
        lines: Vec<String>,
    ) -> Self {
        Notice {
            key: format!("schedule-{name}-{about}-{kind}"),
            kind,
            at,
            title,
            lines,
            run: None,
            runbook: None,
            schedule: Some(name.to_owned()),
            place: None,
        }
    }

    /// Returns a notice about the entry `seq` of a run.
    pub fn of_run(summary: &Summary, place: &str, seq: u64, kind: Kind, at: Millis) -> Self {
        let schedule = summary.cause.as_deref().and_then(crate::schedule::schedule_of);
        Notice {
            key: format!("{}-{seq}-{kind}", summary.run),
            kind,
            at,
            title: String::new(),
            lines: Vec::new(),
            run: Some(summary.run.clone()),
            runbook: Some(summary.runbook.clone()),
            schedule: schedule.map(str::to_owned),
            place: Some(place.to_owned()).filter(|place| !place.is_empty()),
        }
    }

    /// Returns the notice that tries a receiver.
    pub fn test(receiver: &str, at: Millis) -> Self {
        let title = format!("a test of the receiver `{receiver}`: notices arrive here");
        let mut notice = Self::of_schedule("", Kind::Test, at, at, title, Vec::new());
        notice.key = format!("test-{receiver}-{at}");
        notice.schedule = None;
        notice
    }

    /// Returns the notice as it is sent: what a run or a swarm put into it can't look like a line
    /// of ours.
    #[must_use]
    pub fn fit_to_show(&self) -> Self {
        let mut notice = self.clone();
        let named = [&mut notice.runbook, &mut notice.schedule, &mut notice.place];
        for text in named.into_iter().flatten().chain([&mut notice.title]) {
            *text = shown::in_one_line(text).into_owned();
        }
        for line in &mut notice.lines {
            *line = shown::quoted(line).into_owned();
        }
        notice
    }

    /// Returns the notice as text, a line each.
    pub fn text(&self) -> String {
        let mut lines = vec![self.title.clone()];
        lines.extend(self.lines.iter().cloned());
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error held the last lines of a container, and those read like lines of the notice.
    #[test]
    fn what_a_container_says_does_not_look_like_a_line_of_the_notice() {
        let mut notice = Notice::test("chat", 0);
        notice.title = "a\r\nBcc: x@example.org\u{202e}".to_owned();
        notice.lines = vec!["exit 1:\nwindlass show run_01FAKE\u{1b}[2J".to_owned()];
        let text = notice.fit_to_show().text();
        let lines = [
            "a\\r\\nBcc: x@example.org\\u{202e}",
            "exit 1:",
            "  | windlass show run_01FAKE\\u{1b}[2J",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    }
}
