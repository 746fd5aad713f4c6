//! Puts mistakes mechanically into the code of steps: all of them at once, each asleep until
//! `WINDLASS_MUTANT` in the environment names its number, so that one build tries hundreds.
//!
//! `tests/mutants-steps` runs it. It rewrites the files it is given, and prints one line for each
//! mistake: number, file, line, what.
#![expect(clippy::print_stdout, reason = "it is a program for a terminal")]

mod returns;
mod visit;

use std::path::Path;
use std::process::ExitCode;

use quote::ToTokens;
use syn::visit_mut::VisitMut;

/// What wakes one of them, as a file of the crate.
const AWAKE: &str = r#"
/// True if this mistake is the one that is awake.
pub(crate) fn on(number: usize) -> bool {
    static AWAKE: std::sync::LazyLock<Option<usize>> =
        std::sync::LazyLock::new(|| std::env::var("WINDLASS_MUTANT").ok()?.parse().ok());
    *AWAKE == Some(number)
}
"#;

/// One mistake.
pub(crate) struct Mistake {
    line: usize,
    what: String,
}

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let Some(source) = words.next() else { return ExitCode::from(2) };
    match rewrite(Path::new(&source), words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            println!("failed to {problem}");
            ExitCode::from(70)
        }
    }
}

/// Rewrites files below the source directory of a crate.
fn rewrite(source: &Path, files: impl Iterator<Item = String>) -> Result<(), String> {
    let mut first = 1;
    for name in files {
        let path = source.join(&name);
        let text = std::fs::read_to_string(&path).map_err(|e| format!("read {name}: {e}"))?;
        let mut file = syn::parse_file(&text).map_err(|e| format!("understand {name}: {e}"))?;
        let mut visit = visit::Mutate::from(first);
        visit.visit_file_mut(&mut file);
        let made = visit.mistakes;
        for (at, mistake) in made.iter().enumerate() {
            println!("{}\t{name}\t{}\t{}", first + at, mistake.line, mistake.what);
        }
        first += made.len();
        let text = file.into_token_stream().to_string();
        std::fs::write(&path, text).map_err(|e| format!("write {name}: {e}"))?;
    }
    let lib = source.join("lib.rs");
    let text = std::fs::read_to_string(&lib).map_err(|e| format!("read lib.rs: {e}"))?;
    let with = format!("{text}\nmod awake;\n");
    std::fs::write(&lib, with).map_err(|e| format!("write lib.rs: {e}"))?;
    std::fs::write(source.join("awake.rs"), AWAKE).map_err(|e| format!("write awake.rs: {e}"))
}
