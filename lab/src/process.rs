//! Finding and ending the processes of a lab.
//!
//! A process is ours if its arguments say so (they name the lab's directory), never because a
//! number in a file says so: numbers are reused, and the file may have been written just before
//! a crash. The check is repeated on a pidfd, which can't be reused, before a signal is sent.

use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Returns the processes whose arguments satisfy `matches`. Zombies have none and never do.
pub(crate) fn find(matches: impl Fn(&[String]) -> bool) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(Pid::from_raw)
        .filter(|pid| arguments(*pid).is_some_and(|list| matches(&list)))
        .collect()
}

/// Sends `signal` to every process whose arguments satisfy `matches`; returns how many.
pub(crate) fn signal(signal: Signal, matches: impl Fn(&[String]) -> bool) -> usize {
    let mut reached = 0;
    for pid in find(&matches) {
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        let still_ours = arguments(pid).is_some_and(|list| matches(&list));
        if still_ours && pidfd_send_signal(&handle, signal).is_ok() {
            reached += 1;
        }
    }
    reached
}

fn arguments(pid: Pid) -> Option<Vec<String>> {
    let bytes = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
    let text = String::from_utf8_lossy(bytes.strip_suffix(&[0]).unwrap_or(&bytes)).into_owned();
    (!text.is_empty()).then(|| text.split('\0').map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_found_by_its_arguments_and_ended() {
        let mut child = std::process::Command::new("sleep").arg("71.713").spawn().unwrap();
        let ours = |list: &[String]| list.len() == 2 && list[1] == "71.713";
        while find(ours).is_empty() {
            std::thread::yield_now();
        }
        assert_eq!(signal(Signal::KILL, ours), 1);
        assert!(!child.wait().unwrap().success());
        assert!(find(ours).is_empty());
    }
}
