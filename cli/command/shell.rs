//! `windlass completions` and `windlass man`: what shells and `man` know of the program. Packages
//! are made with them.

use std::io;
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;
use crate::exit::Exit;
use crate::problem::Problem;
use crate::show;

/// Prints a completion script.
pub fn completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "windlass", &mut script);
    show::page(&String::from_utf8_lossy(&script));
}

/// Writes a manual page for each command: `windlass.1`, `windlass-lab-up.1`.
///
/// # Errors
/// If the directory can't be written to.
pub fn man(directory: &Path) -> Result<Exit, Problem> {
    write_pages(directory).map_err(|error| {
        let message = format!("write the manual pages to {}: {error}", directory.display());
        Problem::new("WL0002", Exit::Usage, message)
    })?;
    Ok(Exit::Done)
}

fn write_pages(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    clap_mangen::generate_to(Args::command(), directory)
}
