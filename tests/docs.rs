//! What the book and the README say is so: examples compile, pages exist, generated pages are new.
#![expect(clippy::unwrap_used, reason = "a test that can not go on should say where")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn windlass(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_windlass")).args(args).output().unwrap()
}

fn pages() -> Vec<PathBuf> {
    let mut found = vec![root().join("README.md")];
    let mut directories = vec![root().join("book/src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|e| e == "md") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 30);
    found
}

/// Returns the fenced blocks of a language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = text.split(&fence).skip(1);
    parts.map(|part| part.split("\n```").next().unwrap().to_owned() + "\n").collect()
}

#[test]
fn every_whole_runbook_in_the_book_and_every_shipped_one_compiles() {
    let directory = tempfile::tempdir().unwrap();
    let mut count = 0;
    for page in pages() {
        for block in blocks(&fs::read_to_string(&page).unwrap(), "rhai") {
            if !block.starts_with("//!") {
                continue;
            }
            let file = directory.path().join(format!("{count}.rhai"));
            fs::write(&file, &block).unwrap();
            let output = windlass(&["check", file.to_str().unwrap()]);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {error}", page.display());
            count += 1;
        }
    }
    assert!(count >= 5, "only {count} runbooks in the book");
    for entry in fs::read_dir(root().join("runbooks")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "rhai") {
            continue;
        }
        let output = windlass(&["check", file.to_str().unwrap()]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn every_example_of_a_step_compiles() {
    let directory = tempfile::tempdir().unwrap();
    let abouts = windlass(&["steps", "--json"]);
    let abouts: serde_json::Value = serde_json::from_slice(&abouts.stdout).unwrap();
    let words = "users old next tmp service services password secret window s moved";
    for about in abouts.as_array().unwrap() {
        let (name, example) = (about["name"].as_str().unwrap(), about["example"].as_str().unwrap());
        let params = words.split(' ').map(|word| {
            format!("//! {word} = {{ type = \"string\", help = \"h\", default = \"\" }}\n")
        });
        let params: String = params.collect();
        let text = format!("//! title = \"example\"\n//! [params]\n{params}{example}\n");
        let file = directory.path().join(format!("{name}.rhai"));
        fs::write(&file, text).unwrap();
        let output = windlass(&["check", file.to_str().unwrap()]);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_pages_about_steps_are_what_the_program_says() {
    let names = windlass(&["steps", "--json"]);
    let names: serde_json::Value = serde_json::from_slice(&names.stdout).unwrap();
    for about in names.as_array().unwrap() {
        let name = about["name"].as_str().unwrap();
        let page = root().join(format!("book/src/steps/{name}.md"));
        let written = fs::read_to_string(&page).unwrap_or_default();
        let said = String::from_utf8(windlass(&["steps", name]).stdout).unwrap();
        assert_eq!(written.trim(), said.trim(), "{name}: run book/generate");
    }
}

/// The picture once had text on top of text: it was made by hand, for one font.
#[test]
fn the_picture_of_a_run_is_made_from_its_transcript() {
    let images = root().join("book/src/images");
    let made = Command::new(root().join("book/picture")).arg(images.join("run.txt")).output();
    let made = made.unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let kept = std::fs::read_to_string(images.join("run.svg")).unwrap();
    let made = String::from_utf8(made.stdout).unwrap();
    assert!(made == kept, "run `book/picture book/src/images/run.txt >book/src/images/run.svg`");
    // A part with a place of its own lies on others as soon as the font is another one.
    assert!(!kept.contains("textLength") && !kept.contains("<tspan x="), "{kept}");
}

#[test]
fn every_link_inside_the_book_leads_somewhere_and_every_page_is_in_the_summary() {
    let summary = fs::read_to_string(root().join("book/src/SUMMARY.md")).unwrap();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap();
            if path.is_empty() || path.contains("://") || path.contains(' ') {
                continue;
            }
            let full = page.parent().unwrap().join(path);
            assert!(full.exists(), "{} links to {target}", page.display());
        }
        let Ok(name) = page.strip_prefix(root().join("book/src")) else { continue };
        let listed = name == Path::new("SUMMARY.md") || summary.contains(name.to_str().unwrap());
        assert!(listed, "{} is not in the summary", name.display());
    }
}

#[test]
fn nothing_names_the_machine_on_which_it_was_written() {
    let listed = Command::new("git").args(["ls-files"]).current_dir(root()).output().unwrap();
    for file in String::from_utf8(listed.stdout).unwrap().lines() {
        let Ok(text) = fs::read_to_string(root().join(file)) else { continue };
        for word in ["/wo\u{72}k/", "fa\u{72}m-"] {
            assert!(!text.contains(word), "{file} has {word}");
        }
    }
}
