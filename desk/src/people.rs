//! People as this machine knows its users.
//!
//! The C library is asked, as `id` asks it: users of LDAP and other directories are found as those
//! of `/etc/passwd` are, and names come back as the system spells them. That can mean a question to
//! a server, so all of it blocks.

use nix::errno::Errno;
use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

/// The users of this machine can't be looked up.
#[derive(Debug, thiserror::Error)]
#[error("the users of this machine can't be looked up: {0}")]
pub struct NoUsers(#[from] nix::Error);

/// A machine without a list of users, such as a container of one file, has no such user: the C
/// library then says that the list is not there. (getpwnam(3) names these for "not found".)
fn found<T>(answer: nix::Result<Option<T>>) -> Result<Option<T>, NoUsers> {
    match answer {
        Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
        answer => Ok(answer?),
    }
}

/// Returns the name of a user; `uid 4711`, if it has none.
///
/// # Errors
/// If the user database does not answer.
pub fn user_name(uid: u32) -> Result<String, NoUsers> {
    let user = found(User::from_uid(Uid::from_raw(uid)))?;
    Ok(user.map_or_else(|| format!("uid {uid}"), |user| user.name))
}

/// Returns the name of a user as the system spells it; nothing, if there is no such user.
///
/// # Errors
/// As [`user_name`].
pub fn user_named(name: &str) -> Result<Option<String>, NoUsers> {
    // A zero byte can't be asked for, and is in no name.
    if name.is_empty() || name.contains('\0') {
        return Ok(None);
    }
    Ok(found(User::from_name(name))?.map(|user| user.name))
}

/// Returns the names of the groups that a user is in.
///
/// # Errors
/// As [`user_name`].
pub fn groups_of(uid: u32) -> Result<Vec<String>, NoUsers> {
    let Some(user) = found(User::from_uid(Uid::from_raw(uid)))? else { return Ok(Vec::new()) };
    let name = std::ffi::CString::new(user.name).map_err(|_| NoUsers(nix::Error::EINVAL))?;
    let mut groups = Vec::new();
    for gid in getgrouplist(&name, user.gid)? {
        groups.extend(found(Group::from_gid(gid))?.map(|group| group.name));
    }
    Ok(groups)
}

/// Returns the number of a group, given by its name; nothing, if there is none.
///
/// # Errors
/// As [`user_name`].
pub fn group_id(name: &str) -> Result<Option<u32>, NoUsers> {
    Ok(found(Group::from_name(name))?.map(|group| Gid::as_raw(group.gid)))
}

/// Returns who a user is, and whose rights they use if those are not their own.
///
/// Only root may speak for somebody else: sudo names them in `SUDO_USER`. Anybody else could put
/// any name there, and so could root: that is as strong as the `sudo` of the machine, and the
/// rights are recorded beside the name. A name that no user has is heeded no more than none.
///
/// # Errors
/// As [`user_name`].
pub fn person(uid: u32, sudo_user: Option<&str>) -> Result<(String, Option<String>), NoUsers> {
    let named = match sudo_user {
        Some(name) if uid == 0 => user_named(name)?,
        _ => None,
    };
    let user = user_name(uid)?;
    Ok(match named {
        Some(person) if person != user => (person, Some(user)),
        _ => (user, None),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_speaks_for_others_and_never_for_nobody() {
        // Users that every Debian has.
        let by_sudo = |uid, sudo_user| {
            let (who, rights) = person(uid, sudo_user).unwrap();
            format!("{who}{}", rights.map(|r| format!(" as {r}")).unwrap_or_default())
        };
        for (uid, sudo_user, expected) in [
            (0, None, "root"),
            (0, Some("daemon"), "daemon as root"),
            (0, Some("root"), "root"),
            (0, Some(""), "root"),
            (0, Some("nobody-of-that-name"), "root"),
            (0, Some("bin\u{0}ary"), "root"),
            (1, Some("bin"), "daemon"),
            (1, Some("root"), "daemon"),
            (4_000_000, Some("root"), "uid 4000000"),
        ] {
            assert_eq!(by_sudo(uid, sudo_user), expected, "{uid} {sudo_user:?}");
        }
    }

    /// A daemon in a container without `/etc/passwd` let nobody in.
    #[test]
    fn where_there_is_no_list_of_users_nobody_has_a_name() {
        assert!(matches!(found::<User>(Err(Errno::ENOENT)), Ok(None)));
        assert!(found::<User>(Err(Errno::EIO)).is_err());
    }

    #[test]
    fn names_come_back_as_the_system_spells_them() {
        assert_eq!(user_named("daemon").unwrap().as_deref(), Some("daemon"));
        assert_eq!(user_named("Daemon").unwrap(), None);
        assert_eq!(group_id("root").unwrap(), Some(0));
        assert!(groups_of(0).unwrap().contains(&"root".to_owned()));
    }
}
