//! Who asks. The process that owns the state finds it out; what the one who asks says of itself is
//! not taken, but for root's `SUDO_USER`.
//!
//! | asks | is | may |
//! |---|---|---|
//! | a command of the process itself | the user who runs it | everything |
//! | over the socket, the owner's user or root | that user | everything |
//! | over the socket, a member of its group | that user, with the names of their groups as roles | what needs no admin |
//!
//! Root by sudo is whoever used sudo, with root's rights.

use tokio::net::unix::UCred;
use windlass_desk::people::{self, NoUsers};
use windlass_desk::{Actor, Role};
use windlass_engine::engine::Person;
use windlass_engine::journal::Origin;

use super::duty::DutyRequest;
use super::keeping::Keeping;
use super::protocol::{Given, Request};
use crate::exit::Exit;
use crate::problem::Problem;
use crate::settings::{self, Settings};

/// What a member of the socket's group has: everything but admin.
const MEMBER: [Role; 4] = [Role::Viewer, Role::Operator, Role::Approver, Role::Author];

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The person, and the roles that their answers count with.
    pub person: Person,
}

impl Asker {
    /// Returns whoever runs this process.
    ///
    /// # Errors
    /// If the users of this machine can't be looked up.
    pub fn here(settings: &Settings) -> Result<Self, Problem> {
        let uid = rustix::process::getuid().as_raw();
        let sudo_user = settings.sudo_user.as_deref();
        let (user, as_user) = people::person(uid, sudo_user).map_err(unknown)?;
        let by = Origin { user, as_user, ..settings.process.clone() };
        Ok(Asker { person: Person::at_home(by) })
    }

    /// Returns who is at the other end of the socket. Blocks.
    ///
    /// # Errors
    /// As [`Asker::here`]: nobody is let in without a name.
    pub fn at_socket(peer: &UCred, sudo_user: Option<&str>) -> Result<Self, Problem> {
        let uid = peer.uid();
        let (user, as_user) = people::person(uid, sudo_user).map_err(unknown)?;
        let pid = peer.pid().and_then(|pid| u32::try_from(pid).ok()).unwrap_or_default();
        let by = Origin { user, host: settings::host(), pid, as_user };
        let owns = uid == rustix::process::geteuid().as_raw() || uid == 0;
        let roles = if owns { None } else { Some(known_as(uid).map_err(unknown)?) };
        Ok(Asker { person: Person { by, roles } })
    }

    /// Returns what the audit says of them.
    pub fn actor(&self) -> Actor {
        let by = &self.person.by;
        let rights = by.as_user.as_ref().map(|user| format!(", as {user} by sudo"));
        let from = format!("socket, pid {}{}", by.pid, rights.unwrap_or_default());
        Actor { person: by.user.clone(), token: None, from }
    }

    /// Lets them ask for something.
    ///
    /// # Errors
    /// If it takes a role that they don't have.
    pub fn may(&self, request: &Request) -> Result<(), Problem> {
        let need = need(request);
        if self.person.roles.is_none() || MEMBER.contains(&need) {
            return Ok(());
        }
        let user = &self.person.by.user;
        let message = format!("this needs the role {need}, and {user} is {}", list(&MEMBER));
        Err(Problem::new("WL0041", Exit::OutOfReach, message)
            .hint("Run it as the user that owns the state, or by sudo."))
    }
}

fn unknown(error: NoUsers) -> Problem {
    Problem::new("WL0013", Exit::OutOfReach, error.to_string())
        .hint("`id` must work: who asks is recorded, and nobody is let in without a name.")
}

/// Returns what runbooks may ask of a member: roles, and the groups of this machine. A group that
/// is called like a role gives nobody that role.
fn known_as(uid: u32) -> Result<Vec<String>, NoUsers> {
    let groups = people::groups_of(uid)?.into_iter().filter(|name| name.parse::<Role>().is_err());
    Ok(MEMBER.iter().map(|role| role.name().to_owned()).chain(groups).collect())
}

fn list(roles: &[Role]) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}

/// Returns the role that a request needs. A schedule reads secrets and runbooks from files as the
/// owner does; a backup holds everything.
fn need(request: &Request) -> Role {
    match request {
        Request::Tokens(_)
        | Request::Duty(DutyRequest::Add { .. } | DutyRequest::Remove { .. })
        | Request::Keep(Keeping::Backup { .. } | Keeping::Prune { dry_run: false, .. }) => {
            Role::Admin
        }
        Request::Start(_) => Role::Author,
        Request::Answer { answer: Given::Approve { .. } | Given::Deny { .. }, .. } => {
            Role::Approver
        }
        Request::Resume { .. }
        | Request::Undo { .. }
        | Request::Cancel { .. }
        | Request::MoveHere { .. }
        | Request::Decide { .. }
        | Request::Answer { answer: Given::Fields { .. }, .. }
        | Request::Duty(DutyRequest::Pause { .. } | DutyRequest::Retry { .. }) => Role::Operator,
        Request::PlanResume { .. }
        | Request::Runs { .. }
        | Request::Show { .. }
        | Request::Log { .. }
        | Request::Duty(DutyRequest::List | DutyRequest::Show { .. } | DutyRequest::Notices)
        | Request::Keep(
            Keeping::Report { .. }
            | Keeping::Evidence { .. }
            | Keeping::Key
            | Keeping::Prune { dry_run: true, .. }
            | Keeping::Tombstones,
        ) => Role::Viewer,
    }
}
