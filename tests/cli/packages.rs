//! What packages install besides the program.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::{Operator, all, assert_says};

/// Returns the commands that a help text lists.
fn commands(operator: &Operator, of: &str) -> Vec<String> {
    let help = operator.windlass(&format!("{of} --help"));
    let text = String::from_utf8(help.stdout).unwrap();
    let listed = text.split("Commands:\n").nth(1).unwrap_or_default();
    let lines = listed.lines().take_while(|line| !line.is_empty());
    // What it does may go on in a second line, further to the right.
    let lines = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    let names = lines.filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn names(directory: &Path) -> BTreeSet<String> {
    let files = fs::read_dir(directory).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_command_has_a_manual_page() {
    let operator = Operator::at_home();
    let directory = operator.home.path().join("man");
    assert_says(&operator.windlass(&format!("man {}", directory.display())), 0, &[]);
    let pages = names(&directory);
    let top = commands(&operator, "");
    assert!(top.len() > 30 && pages.contains("windlass.1"), "{top:?}: {pages:?}");
    for command in &top {
        assert!(pages.contains(&format!("windlass-{command}.1")), "{command}: {pages:?}");
        for under in commands(&operator, command) {
            let page = format!("windlass-{command}-{under}.1");
            assert!(pages.contains(&page), "no {page} in {pages:?}");
        }
    }
    let page = fs::read_to_string(directory.join("windlass-resume.1")).unwrap();
    assert!(page.contains("Resume an interrupted run"), "{page}");
    let file = operator.file("in-the-way", "");
    assert_says(&operator.windlass(&format!("man {file}")), 2, &["in-the-way", "WL0002"]);
}

#[test]
fn packages_have_completions_pages_and_a_unit_that_names_the_program_they_install() {
    let operator = Operator::at_home();
    let root = operator.home.path().join("root");
    let stage = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/stage");
    let staged = Command::new(stage).arg(env!("CARGO_BIN_EXE_windlass")).arg(&root).output();
    let staged = staged.unwrap();
    assert!(staged.status.success(), "{}", all(&staged));
    let text =
        |path: &str| fs::read_to_string(root.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"));
    for shell in [
        "bash-completion/completions/windlass",
        "zsh/vendor-completions/_windlass",
        "fish/vendor_completions.d/windlass.fish",
    ] {
        let script = text(&format!("usr/share/{shell}"));
        assert!(script.contains("mark-done") && script.contains("windlass"), "{shell}");
    }
    let unit = text("usr/lib/systemd/system/windlass.service");
    assert!(unit.contains("ExecStart=/usr/bin/windlass serve"), "{unit}");
    assert!(!unit.contains("/usr/local"), "{unit}");
    assert!(names(&root.join("usr/share/man/man1")).contains("windlass-lab-up.1.gz"));
    assert!(text("usr/share/doc/windlass/copyright").contains("Apache License"));
    assert!(root.join("usr/share/doc/windlass/daemon.md").exists(), "the unit names it");
}
