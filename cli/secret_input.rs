//! Where a secret value comes from: standard input, a file, a file descriptor, a generator, a
//! prompt. Never an argument: others can read those.

use std::fs::File;
use std::io::{IsTerminal, Read, stdin};
use std::os::fd::RawFd;

use windlass_engine::runbook::{Header, ParameterKind};
use windlass_engine::secret::Secret;
use windlass_steps::secret::generate::Charset;

use crate::args::{Newline, RunArgs};
use crate::exit::Exit;
use crate::problem::Problem;

/// More than this is no secret but a mistake; the swarm takes about half of it.
const LENGTH_MAX: u64 = 1024 * 1024;

/// Length of a generated value if none is given: about 186 bits.
const LENGTH_GENERATED: usize = 32;

/// Reads the secrets that the arguments name, and prompts for missing ones on a terminal.
///
/// # Errors
/// If one can't be read, or is given as an argument.
pub fn read(
    header: &Header,
    args: &RunArgs,
    prompt: bool,
) -> Result<Vec<(String, Secret)>, Problem> {
    let mut secrets = given(&args.secrets, args.newline)?;
    for (name, parameter) in &header.params {
        let missing = parameter.kind == ParameterKind::Secret
            && !secrets.iter().any(|(given, _)| given == name)
            && !args.params.iter().any(|p| p.split('=').next() == Some(name));
        if missing && prompt && stdin().is_terminal() {
            let text = rpassword::prompt_password(format!("{name} ({}): ", parameter.help));
            let text = text.map_err(|e| usage(&format!("no answer for `{name}`: {e}")))?;
            secrets.push((name.clone(), Secret::new(text.into_bytes())));
        }
    }
    Ok(secrets)
}

/// Reads the secrets that arguments name.
///
/// # Errors
/// If one can't be read, or is given as an argument.
pub fn given(sources: &[String], newline: Newline) -> Result<Vec<(String, Secret)>, Problem> {
    let read = |given: &String| {
        let (name, source) = given
            .split_once('=')
            .ok_or_else(|| usage(&format!("`--secret {given}` has no source")).hint(HOW))?;
        let value = from_source(name, source)?;
        Ok((name.to_owned(), with_newline(value, newline)))
    };
    sources.iter().map(read).collect()
}

const HOW: &str =
    "Sources are - (standard input), @FILE, fd:N (an open file descriptor) and generate[:LENGTH].";

/// Reads a secret from the source that an argument or a schedule names.
///
/// # Errors
/// If it can't be read, or is no source.
pub fn from_source(name: &str, source: &str) -> Result<Secret, Problem> {
    if source == "-" {
        return from_reader(name, stdin().lock());
    }
    if let Some(path) = source.strip_prefix('@') {
        let file = File::open(path);
        let file = file.map_err(|e| usage(&format!("`{name}` can't be read from {path}: {e}")))?;
        return from_reader(name, file);
    }
    if let Some(number) = source.strip_prefix("fd:") {
        let number: RawFd = number
            .parse()
            .map_err(|_| usage(&format!("`fd:{number}` is not a file descriptor")).hint(HOW))?;
        // Opened by its number, so that no ownership of a foreign descriptor has to be assumed.
        let file = File::open(format!("/proc/self/fd/{number}"));
        let file = file
            .map_err(|e| usage(&format!("`{name}` can't be read from descriptor {number}: {e}")))?;
        return from_reader(name, file);
    }
    if source == "generate" || source.starts_with("generate:") {
        let length = source.strip_prefix("generate:").map_or(Ok(LENGTH_GENERATED), str::parse);
        let length = length.ok().filter(|length| (8..=4096).contains(length));
        let length = length.ok_or_else(|| {
            usage(&format!("`{source}`: the length must be a number from 8 to 4096"))
        })?;
        return generate(length);
    }
    // The text may be the secret itself: it is not repeated.
    Err(usage(&format!("`--secret {name}=...` names a source, not the value")).hint(HOW))
}

fn from_reader(name: &str, reader: impl Read) -> Result<Secret, Problem> {
    let mut bytes = Vec::with_capacity(64 * 1024);
    let read = reader.take(LENGTH_MAX + 1).read_to_end(&mut bytes);
    let value = Secret::new(bytes);
    read.map_err(|e| usage(&format!("`{name}` can't be read: {e}")))?;
    if value.len() as u64 > LENGTH_MAX {
        return Err(usage(&format!("`{name}` is longer than {LENGTH_MAX} bytes")));
    }
    Ok(value)
}

fn generate(length: usize) -> Result<Secret, Problem> {
    let value = Charset::Readable.draw(length);
    value.map_err(|e| Problem::bug(format!("no randomness from the operating system: {e}")))
}

fn with_newline(value: Secret, newline: Newline) -> Secret {
    match (newline, value.expose().strip_suffix(b"\n")) {
        (Newline::Strip, Some(stripped)) => Secret::new(stripped.to_vec()),
        _ => value,
    }
}

fn usage(message: &str) -> Problem {
    Problem::new("WL0002", Exit::Usage, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_place_of_a_source_is_refused_and_not_repeated() {
        let problem = from_source("value", "canary").unwrap_err();
        assert!(!format!("{problem:?}").contains("canary"));
        assert_eq!(problem.exit, Exit::Usage);
    }

    #[test]
    fn generated_values_have_the_length_and_letters_asked_for() {
        let value = from_source("value", "generate:40").unwrap();
        assert_eq!(value.len(), 40);
        assert!(value.expose().iter().all(u8::is_ascii_alphanumeric));
        assert_ne!(value, from_source("value", "generate:40").unwrap());
        assert!(from_source("value", "generate:3").is_err());
    }

    #[test]
    fn a_newline_is_kept_unless_it_is_to_go() {
        let value = Secret::new(b"a\n".to_vec());
        assert_eq!(with_newline(value.clone(), Newline::Keep).expose(), b"a\n");
        assert_eq!(with_newline(value, Newline::Strip).expose(), b"a");
    }
}
