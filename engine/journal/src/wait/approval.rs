//! `approve(#{ text, roles, of, not_starter, deadline, otherwise })`: the consent of people.

use serde::{Deserialize, Serialize};

use crate::Origin;
use crate::step::Span;

/// What is asked, and of whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// What people consent to.
    pub text: String,
    /// Who may; whoever asks the engine in their name checks this.
    #[serde(default)]
    pub roles: Vec<String>,
    /// How many different people it takes.
    #[serde(default = "one")]
    pub of: u32,
    /// True if the one who started the run does not count.
    #[serde(default)]
    pub not_starter: bool,
    /// How long to wait for them; for ever, without one.
    #[serde(default)]
    pub deadline: Option<Span>,
    /// What then.
    #[serde(default)]
    pub otherwise: Otherwise,
}

/// What an approval comes to that nobody has answered in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// It is denied.
    #[default]
    Deny,
    /// It counts as given.
    Approve,
}

fn one() -> u32 {
    1
}

impl Approval {
    pub(super) fn check(&self) -> Result<(), String> {
        if self.of == 0 {
            return Err("`of` is how many people it takes: 1 or more".to_owned());
        }
        if self.otherwise == Otherwise::Approve && self.deadline.is_none() {
            return Err("`otherwise` needs a `deadline`: without one it never comes".to_owned());
        }
        Ok(())
    }

    /// Returns why this person's consent does not count, if it does not. The same name at another
    /// machine is the same person; a name in other letters is not, as on the system.
    pub fn refuses(&self, by: &Origin, starter: &Origin, so_far: &[Origin]) -> Option<String> {
        if self.not_starter && by.is_same_person(starter) {
            return Some(format!("{} started the run: somebody else must approve", by.user));
        }
        let again = so_far.iter().any(|other| other.is_same_person(by));
        again.then(|| format!("{} has approved already: it takes somebody else", by.user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(user: &str, host: &str) -> Origin {
        Origin { user: user.to_owned(), host: host.to_owned(), pid: 1, as_user: None }
    }

    #[test]
    fn neither_the_starter_nor_the_same_person_twice() {
        let approval = Approval {
            text: String::new(),
            roles: Vec::new(),
            of: 2,
            not_starter: true,
            deadline: None,
            otherwise: Otherwise::Deny,
        };
        let (ann, ben) = (person("ann", "a"), person("ben", "a"));
        assert!(approval.refuses(&ann, &ann, &[]).unwrap().contains("started"));
        assert_eq!(approval.refuses(&ben, &ann, &[]), None);
        let elsewhere = person("ben", "b");
        assert!(approval.refuses(&elsewhere, &ann, &[ben]).unwrap().contains("already"));
        let by_sudo = Origin { as_user: Some("root".to_owned()), ..ann.clone() };
        assert!(approval.refuses(&by_sudo, &ann, &[]).unwrap().contains("started"));
        // Two users for the system are two people here.
        assert_eq!(approval.refuses(&person("Ann", "a"), &ann, &[]), None);
        let anybody = Approval { not_starter: false, ..approval };
        assert_eq!(anybody.refuses(&ann, &ann, &[]), None);
    }
}
