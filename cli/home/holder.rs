//! Which process holds a lock: what the kernel says.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A process that holds a lock.
#[derive(Debug, PartialEq, Eq)]
pub struct Holder {
    pid: u32,
    command: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "process {}", self.pid)?;
        if self.command.is_empty() { Ok(()) } else { write!(f, " (`{}`)", self.command) }
    }
}

/// Returns the process that has locked a file with `flock`, if that can be told: not from inside of
/// a container, for one that is outside.
pub fn of(path: &Path) -> Option<Holder> {
    let meta = fs::metadata(path).ok()?;
    let (major, minor) = (rustix::fs::major(meta.dev()), rustix::fs::minor(meta.dev()));
    let file = format!("{major:02x}:{minor:02x}:{}", meta.ino());
    let pid = pid_in(&fs::read_to_string("/proc/locks").ok()?, &file)?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    // The program and its verb: what follows may be long, and is not needed to know it by.
    let words = command.split(|byte| *byte == 0).filter(|word| !word.is_empty()).take(2);
    let words: Vec<_> = words.map(String::from_utf8_lossy).collect();
    Some(Holder { pid, command: words.join(" ") })
}

/// `1: FLOCK  ADVISORY  WRITE 1234 fe:00:131090 0 EOF`; a line with `->` is of one that waits.
fn pid_in(locks: &str, file: &str) -> Option<u32> {
    locks.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        match words.as_slice() {
            ["FLOCK", _, _, pid, of, ..] if *of == file => pid.parse().ok().filter(|pid| *pid > 0),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_named_and_not_one_that_waits_or_locks_something_else() {
        let locks = "1: FLOCK  ADVISORY  READ 11 fe:00:7 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 22 fe:00:8 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 33 fe:00:8 0 EOF\n\
                     3: POSIX  ADVISORY  WRITE 44 fe:00:9 0 EOF\n\
                     4: FLOCK  ADVISORY  WRITE 0 fe:00:10 0 EOF\n";
        assert_eq!(pid_in(locks, "fe:00:8"), Some(22));
        for other in ["fe:00:9", "fe:00:10", "fe:01:8"] {
            assert_eq!(pid_in(locks, other), None);
        }
    }

    #[test]
    fn a_file_that_this_process_locks_is_held_by_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let file = fs::File::create(&path).unwrap();
        assert_eq!(of(&path), None);
        file.lock().unwrap();
        // Some file systems have other numbers in the kernel than for us.
        assert!(of(&path).is_none_or(|holder| holder.pid == std::process::id()));
    }
}
