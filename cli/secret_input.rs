//! Where a secret value comes from: standard input, a file, a file descriptor, a generator, a
//! prompt. Never an argument: others can read those.
//!
//! ```text
//! Sources::parse (words only) -> read (values) -> ask (what is missing) -> hand_out (generated)
//! ```

use std::fs::File;
use std::io::{IsTerminal, Read, Write, stderr, stdin};
use std::os::fd::RawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use windlass_basic::secret::generate::Charset;
use windlass_engine::runbook::{Header, ParameterKind};
use windlass_engine::secret::Secret;

use crate::args::Newline;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::show;
use crate::show::style::yellow;

/// More than this is no secret but a mistake; the swarm takes about half of it.
const LENGTH_MAX: u64 = 1024 * 1024;

/// Length of a generated value if none is given: about 186 bits.
const LENGTH_GENERATED: usize = 32;

/// How often a value is asked for that was typed in two different ways.
const ASKED_MAX: usize = 3;

/// Where the secrets come from that arguments name. Nothing has been read yet.
pub struct Sources {
    sources: Vec<(String, Source)>,
    newline: Option<Newline>,
}

#[derive(Debug, PartialEq)]
enum Source {
    Stdin,
    File(PathBuf),
    Descriptor(RawFd),
    Generate { length: usize, to: Option<PathBuf> },
}

/// Secret values by name.
pub type Values = Vec<(String, Secret)>;

const HOW: &str = "Sources are - (standard input), @FILE, fd:N (an open file descriptor), and \
generate[:LENGTH][@FILE], which makes a value up and writes it to a new FILE for whoever must know it.";

impl Sources {
    /// Understands the arguments.
    ///
    /// # Errors
    /// If one names no source, or names one twice.
    pub fn parse(given: &[String], newline: Option<Newline>) -> Result<Self, Problem> {
        let mut sources: Vec<(String, Source)> = Vec::new();
        for given in given {
            let (name, source) = given
                .split_once('=')
                .ok_or_else(|| usage(&format!("`--secret {given}` has no source")).hint(HOW))?;
            let source = source_of(name, source)?;
            if sources.iter().any(|(other, _)| other == name) {
                return Err(usage(&format!("`--secret {name}=...` is given twice")));
            }
            if source == Source::Stdin && sources.iter().any(|(_, other)| *other == source) {
                return Err(usage("standard input can be the source of one secret only"));
            }
            sources.push((name.to_owned(), source));
        }
        Ok(Sources { sources, newline })
    }

    /// Returns the names of the secrets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|(name, _)| name.as_str())
    }

    /// Reads the values, and warns of what is probably not meant.
    ///
    /// # Errors
    /// If one can't be read, or is empty.
    pub fn read(&self) -> Result<Values, Problem> {
        let read = |(name, source): &(String, Source)| {
            let value = value_of(name, source)?;
            let is_read = !matches!(source, Source::Generate { .. });
            if is_read && self.newline.is_none() && value.expose().ends_with(b"\n") {
                show::note(&format!(
                    "{} `{name}` ends with a newline, which becomes a part of the secret: `--newline strip` takes it off, `--newline keep` says that it is meant",
                    yellow("warning:")
                ));
            }
            let value = with_newline(value, self.newline.unwrap_or(Newline::Keep));
            if value.is_empty() {
                return Err(usage(&format!("the value of `{name}` is empty")));
            }
            Ok((name.clone(), value))
        };
        self.sources.iter().map(read).collect()
    }

    /// Writes the generated values of `values` to the files that are named for them, and says of
    /// the others that nobody will know them.
    ///
    /// # Errors
    /// If a file is there already, or can't be written.
    pub fn hand_out(&self, values: &Values) -> Result<(), Problem> {
        for (name, source) in &self.sources {
            let Source::Generate { to, .. } = source else { continue };
            let Some((_, value)) = values.iter().find(|(of, _)| of == name) else { continue };
            match to {
                Some(path) => {
                    write_new(path, value).map_err(|error| {
                        usage(&format!("`{name}` can't be written to {}: {error}", path.display()))
                            .hint("Name a new file in an existing directory.")
                    })?;
                    show::note(&format!(
                        "the new value of `{name}` is in {}, which only you can read",
                        path.display()
                    ));
                }
                None => show::note(&format!(
                    "{} `{name}` is generated, and only the services that mount it will know it; `generate@FILE` writes it to a file as well, for a database or another system that must know it",
                    yellow("note:")
                )),
            }
        }
        Ok(())
    }

    /// Removes the files that [`Sources::hand_out`] wrote: their values are in use nowhere.
    pub fn take_back(&self) {
        for (_, source) in &self.sources {
            if let Source::Generate { to: Some(path), .. } = source
                && let Err(error) = std::fs::remove_file(path)
            {
                show::complain(&format!("{} can't be removed: {error}", path.display()));
            }
        }
    }
}

/// Returns the names of the secret parameters that nothing is given for.
pub fn missing<'a>(
    header: &'a Header,
    params: &'a [(String, String)],
    sources: &'a Sources,
) -> impl Iterator<Item = &'a str> {
    let secret = header.params.iter().filter(|(_, p)| p.kind == ParameterKind::Secret);
    secret.map(|(name, _)| name.as_str()).filter(|name| {
        sources.names().all(|given| given != *name) && params.iter().all(|(given, _)| given != name)
    })
}

/// True if somebody can be asked.
pub fn can_ask() -> bool {
    stdin().is_terminal() && stderr().is_terminal()
}

/// Asks for a value, twice, without showing it.
///
/// # Errors
/// If there is no answer, or no two that are the same.
pub fn ask(name: &str, help: &str) -> Result<Secret, Problem> {
    let prompt = |text: String| {
        let typed = rpassword::prompt_password(text);
        let typed = typed.map_err(|e| usage(&format!("no answer for `{name}`: {e}")))?;
        Ok::<_, Problem>(Secret::new(typed.into_bytes()))
    };
    let _silence = Silence::begin();
    for _ in 0..ASKED_MAX {
        let value = prompt(format!("{name} ({help}): "))?;
        if value.is_empty() {
            show::note("a secret can't be empty");
        } else if prompt(format!("{name}, once more: "))? == value {
            return Ok(value);
        } else {
            show::note("the two values differ");
        }
    }
    Err(usage(&format!("no value for `{name}`")))
}

/// A terminal that does not show what is typed. The prompt alone would be silent too, but only from a
/// moment after it is there: what is typed or pasted before would be shown.
struct Silence {
    terminal: File,
    before: Termios,
}

impl Silence {
    /// Nothing where there is no terminal.
    fn begin() -> Option<Self> {
        let terminal = File::open("/dev/tty").ok()?;
        let before = tcgetattr(&terminal).ok()?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(&terminal, OptionalActions::Now, &silent).ok()?;
        Some(Silence { terminal, before })
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing put back.
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}

fn source_of(name: &str, source: &str) -> Result<Source, Problem> {
    if source == "-" {
        return Ok(Source::Stdin);
    }
    if let Some(path) = source.strip_prefix('@') {
        return Ok(Source::File(PathBuf::from(path)));
    }
    if let Some(number) = source.strip_prefix("fd:") {
        let number = number.parse();
        let number = number.map_err(|_| usage(&format!("`{source}` is not a file descriptor")));
        return Ok(Source::Descriptor(number.map_err(|problem| problem.hint(HOW))?));
    }
    if let Some(rest) = source.strip_prefix("generate")
        && (rest.is_empty() || rest.starts_with([':', '@']))
    {
        let (length, to) = match rest.split_once('@') {
            Some((length, path)) => (length, Some(PathBuf::from(path))),
            None => (rest, None),
        };
        let length = length.strip_prefix(':').map_or(Ok(LENGTH_GENERATED), str::parse);
        let length = length.ok().filter(|length| (8..=4096).contains(length)).ok_or_else(|| {
            usage(&format!("`{source}`: the length must be a number from 8 to 4096"))
        })?;
        return Ok(Source::Generate { length, to });
    }
    // The text may be the secret itself: it is not repeated.
    Err(usage(&format!("`--secret {name}=...` names a source, not the value")).hint(HOW))
}

/// Reads a secret from the source that a schedule names.
///
/// # Errors
/// If it can't be read, or is no source.
pub fn from_source(name: &str, source: &str) -> Result<Secret, Problem> {
    value_of(name, &source_of(name, source)?)
}

fn value_of(name: &str, source: &Source) -> Result<Secret, Problem> {
    let unreadable = |from: String| {
        move |e: std::io::Error| usage(&format!("`{name}` can't be read from {from}: {e}"))
    };
    match source {
        Source::Stdin => from_reader(name, stdin().lock()),
        Source::File(path) => {
            let file = File::open(path).map_err(unreadable(path.display().to_string()))?;
            from_reader(name, file)
        }
        // Opened by its number, so that no ownership of a foreign descriptor has to be assumed.
        Source::Descriptor(number) => {
            let file = File::open(format!("/proc/self/fd/{number}"));
            from_reader(name, file.map_err(unreadable(format!("descriptor {number}")))?)
        }
        Source::Generate { length, .. } => Charset::Readable
            .draw(*length)
            .map_err(|e| Problem::bug(format!("no randomness from the operating system: {e}"))),
    }
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

fn write_new(path: &Path, value: &Secret) -> std::io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(value.expose())?;
    file.sync_all()
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

    fn parse(given: &[&str]) -> Result<Sources, Problem> {
        let given: Vec<String> = given.iter().map(|text| (*text).to_owned()).collect();
        Sources::parse(&given, None)
    }

    #[test]
    fn a_value_in_place_of_a_source_is_refused_and_not_repeated() {
        let problem = parse(&["value=canary"]).map(drop).unwrap_err();
        assert!(!format!("{problem:?}").contains("canary"));
        assert_eq!(problem.exit, Exit::Usage);
    }

    #[test]
    fn a_secret_has_one_source_and_standard_input_one_secret() {
        for (given, said) in [
            (["a=-", "a=generate"], "`--secret a=...` is given twice"),
            (["a=-", "b=-"], "standard input can be the source of one secret only"),
        ] {
            assert_eq!(parse(&given).map(drop).unwrap_err().message, said);
        }
    }

    #[test]
    fn generated_values_have_the_length_and_letters_asked_for() {
        let value = from_source("value", "generate:40").unwrap();
        assert_eq!(value.len(), 40);
        assert!(value.expose().iter().all(u8::is_ascii_alphanumeric));
        assert_ne!(value, from_source("value", "generate:40").unwrap());
        for wrong in ["generate:3", "generate:x", "generate:"] {
            assert!(source_of("value", wrong).is_err(), "{wrong}");
        }
        let to = source_of("value", "generate:40@/tmp/a@b").unwrap();
        assert_eq!(to, Source::Generate { length: 40, to: Some("/tmp/a@b".into()) });
    }

    #[test]
    fn a_generated_value_is_written_for_its_owner_alone_and_over_nothing() {
        use std::os::unix::fs::MetadataExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("new");
        let sources = parse(&[&format!("value=generate@{}", path.display())]).unwrap();
        let values = sources.read().unwrap();
        sources.hand_out(&values).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), values[0].1.expose());
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert!(sources.hand_out(&values).unwrap_err().message.contains("exists"));
        sources.take_back();
        assert!(!path.exists());
    }

    #[test]
    fn an_empty_value_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("empty");
        std::fs::write(&path, "").unwrap();
        let sources = parse(&[&format!("value=@{}", path.display())]).unwrap();
        assert_eq!(sources.read().unwrap_err().message, "the value of `value` is empty");
    }

    #[test]
    fn a_newline_is_kept_unless_it_is_to_go() {
        let value = Secret::new(b"a\n".to_vec());
        assert_eq!(with_newline(value.clone(), Newline::Keep).expose(), b"a\n");
        assert_eq!(with_newline(value, Newline::Strip).expose(), b"a");
    }
}
