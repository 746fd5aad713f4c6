//! The programs of other packages that a lab runs, and how to get them.

use std::fs;

use crate::program::{self, ProgramError, run};

/// Programs and the Debian packages that they come from.
const NEEDED: &[(&str, &str)] = &[
    ("dockerd", "docker.io"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("nsenter", "util-linux"),
    ("setsid", "util-linux"),
    ("unshare", "util-linux"),
    ("mount", "mount"),
];

/// Programs that are missing or could not be installed.
#[derive(Debug, thiserror::Error)]
pub enum PackagesError {
    /// Packages are missing.
    #[error("make a lab, missing: {}; `windlass lab up --install` installs them", .0.join(", "))]
    Missing(Vec<&'static str>),
    /// Only root installs packages.
    #[error("install packages without root: run it with sudo")]
    NotRoot,
    /// This is not a Debian-like system.
    #[error("install {0} with this system's package manager: there is no apt-get here")]
    NoApt(String),
    /// apt-get failed.
    #[error(transparent)]
    Program(#[from] ProgramError),
}

/// Returns the Debian packages whose programs this machine lacks; empty if a lab can be made.
pub fn missing() -> Vec<&'static str> {
    let lacks = |program: &str| program::locate(program).is_none();
    let mut packages: Vec<&'static str> =
        NEEDED.iter().filter(|(program, _)| lacks(program)).map(|(_, package)| *package).collect();
    // From Debian 13 on the client has its own package; before, it comes with the daemon.
    if lacks("docker") && !packages.contains(&"docker.io") {
        packages.push("docker-cli");
    }
    if static_busybox().is_none() {
        packages.push("busybox-static");
    }
    packages.dedup();
    packages
}

/// Checks that nothing is missing.
///
/// # Errors
/// [`PackagesError::Missing`], which names the packages and the command that installs them.
pub fn check() -> Result<(), PackagesError> {
    let missing = missing();
    if missing.is_empty() { Ok(()) } else { Err(PackagesError::Missing(missing)) }
}

/// Installs Debian packages; takes a minute and needs a package mirror.
///
/// The package docker.io may also start its own daemon, or fail to, where there is a service
/// manager. Both are of no importance to a lab: its daemons share nothing with that one.
///
/// # Errors
/// [`PackagesError::NotRoot`], [`PackagesError::NoApt`] with the names to install by hand, or
/// what apt-get wrote.
pub async fn install(packages: &[&str]) -> Result<(), PackagesError> {
    if packages.is_empty() {
        return Ok(());
    }
    if !rustix::process::geteuid().is_root() {
        return Err(PackagesError::NotRoot);
    }
    if program::locate("apt-get").is_none() {
        return Err(PackagesError::NoApt(packages.join(", ")));
    }
    run("env", &["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "update"]).await?;
    let install = ["apt-get", "-q", "install", "-y", "--no-install-recommends"];
    let arguments = [&["DEBIAN_FRONTEND=noninteractive"][..], &install, packages].concat();
    run("env", &arguments).await?;
    Ok(())
}

/// Returns the bytes of a busybox that runs without libraries, as the only file of an image.
pub(crate) fn static_busybox() -> Option<Vec<u8>> {
    let bytes = fs::read(program::locate("busybox")?).ok()?;
    is_static(&bytes).then_some(bytes)
}

/// A 64-bit ELF file is static if none of its program headers asks for an interpreter.
fn is_static(elf: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let read = |at: usize, size: usize| -> Option<u64> {
        let field = elf.get(at..at + size)?;
        Some(field.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
    };
    let headers = || -> Option<Vec<u32>> {
        let (start, size, count) = (read(32, 8)?, read(54, 2)?, read(56, 2)?);
        (0..count).map(|i| Some(read((start + i * size) as usize, 4)? as u32)).collect()
    };
    elf.starts_with(b"\x7fELF\x02\x01")
        && headers().is_some_and(|kinds| !kinds.contains(&INTERPRETER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_package_is_named_with_the_command_that_installs_it() {
        let error = PackagesError::Missing(vec!["docker.io", "iproute2"]);
        assert_eq!(
            error.to_string(),
            "make a lab, missing: docker.io, iproute2; `windlass lab up --install` installs them"
        );
    }

    #[test]
    fn only_a_static_program_is_taken() {
        assert!(!is_static(b"#!/bin/sh\n"));
        assert!(!is_static(&fs::read("/proc/self/exe").unwrap()));
        let busybox = program::locate("busybox").unwrap();
        assert!(is_static(&fs::read(busybox).unwrap()));
    }
}
