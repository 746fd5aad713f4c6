//! Journal entries, a line each.

use windlass_engine::clock::utc;
use windlass_engine::event::Status;
use windlass_engine::journal::{Body, Entry, How};

use super::progress::{decided, told};
use super::style::dim;

/// Returns an entry as a line.
pub fn entry(entry: &Entry) -> String {
    let what = match &entry.body {
        Body::Created(created) => {
            format!("created: {} by {} on {}", created.runbook, created.by.who(), created.by.host)
        }
        Body::Intended { key, says, attempt, head, .. } => {
            let again = if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
            let says = if *says == head.step { String::new() } else { format!(": {says}") };
            format!("{key} {} intended{says}{again}", head.step)
        }
        Body::Applied { key, head, how, .. } => {
            let step = head.as_ref().map(|head| format!("{} ", head.step)).unwrap_or_default();
            let how = match how {
                How::Returned => "",
                How::Probed => " (probed)",
            };
            format!("{key} {step}applied{how}")
        }
        Body::Failed { key, error, retry_at, .. } => {
            let again = retry_at.map(|at| format!("; again at {}", utc(at))).unwrap_or_default();
            format!("{key} failed: {}{again}", told(error))
        }
        Body::Parallel { key, branches, bound } => {
            format!("{key} {branches} branches, {bound} at once")
        }
        Body::Waiting { key, head, says, until, .. } => {
            let says = if *says == head.step { String::new() } else { format!(": {says}") };
            let until = until.map(|at| format!(" until {}", utc(at))).unwrap_or_default();
            format!("{key} {} waits{until}{says}", head.step)
        }
        Body::Answered { key, answer, by, .. } => {
            let by = by.as_ref().map(|by| format!(" by {}", by.who())).unwrap_or_default();
            format!("{key} {}{by}", answer.says())
        }
        Body::Unwinding { error, .. } => format!("going back: {}", told(error)),
        Body::UndoIntended { key } => format!("{key} undo intended"),
        Body::UndoApplied { key } => format!("{key} undo applied"),
        Body::UndoFailed { key, error } => format!("{key} undo failed: {}", told(error)),
        Body::Stuck { error, .. } => format!("stuck: {}", told(error)),
        Body::Decided { decision, reason, by } => {
            format!("decided by {}: {} ({reason})", by.who(), decided(decision))
        }
        Body::Resumed { by } => format!("resumed by {} on {}", by.who(), by.host),
        Body::Placed { identity, by, reason } => {
            let by = by.as_ref().map(|by| format!(", says {}", by.who())).unwrap_or_default();
            let reason = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            format!("acts on the {}{by}{reason}", identity.name)
        }
        Body::Finished { end } => format!("finished: {}", Status::from(*end)),
    };
    format!("{} {what}", dim(&format!("{:>5} {}", entry.seq, utc(entry.at))))
}
