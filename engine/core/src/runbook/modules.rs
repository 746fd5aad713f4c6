//! Modules: functions that runbooks share.
//!
//! A runbook names them in its header, `uses = ["rotate"]`. They are put behind its own text before
//! anything else is done with it: what is compiled, hashed, recorded and shown is one text that needs
//! no file any more. A run that goes on later uses what it began with, whatever became of the files.

use super::header::{Header, HeaderError, ModuleHeader};
use crate::script::{Mistake, Place, Shelf, closest, is_mark, joined, split};

/// Where modules are looked for. The methods block, and look again each time.
pub trait Modules {
    /// Returns the names of all that there are.
    fn names(&self) -> Vec<String>;

    /// Returns the text of a module, and where it was found; nothing, if there is none.
    ///
    /// # Errors
    /// If it is there and can't be read: why.
    fn find(&self, name: &str) -> Result<Option<(Shelf, String)>, String>;
}

/// No modules but those that a text has in it.
pub struct NoModules;

impl Modules for NoModules {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn find(&self, _: &str) -> Result<Option<(Shelf, String)>, String> {
        Ok(None)
    }
}

/// Returns the text of a runbook with the modules that it uses, and what is wrong with those.
pub(super) fn expand(
    name: &str,
    text: &str,
    header: &Header,
    modules: &dyn Modules,
) -> (String, Vec<Mistake>) {
    if header.uses.is_empty() {
        return (text.to_owned(), Vec::new());
    }
    let (own, inside) = split(text);
    let inside = inside.iter().map(|s| (s.name, s.shelf, s.text)).collect();
    let mut gathering =
        Gathering { runbook: name, inside, modules, taken: Vec::new(), mistakes: Vec::new() };
    let at = Place::of(name, own, Header::line_of(own, "uses"), 1);
    gathering.all(&header.uses, &at, &mut Vec::new());
    let taken = gathering.taken.iter();
    let text = joined(own, taken.map(|(name, shelf, text)| (name.as_str(), *shelf, text.as_str())));
    (text, gathering.mistakes)
}

/// True for a name that a module can have. It becomes a part of a path.
pub(crate) fn is_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(word)
}

struct Gathering<'a> {
    runbook: &'a str,
    /// Those that the text has in it: it was put together before.
    inside: Vec<(&'a str, Shelf, &'a str)>,
    modules: &'a dyn Modules,
    taken: Vec<(String, Shelf, String)>,
    mistakes: Vec<Mistake>,
}

impl Gathering<'_> {
    /// Takes the modules that are named `at` a place, each after those that it uses itself. `above`
    /// are those on the way here.
    fn all(&mut self, names: &[String], at: &Place, above: &mut Vec<String>) {
        for name in names {
            if above.contains(name) {
                let circle = format!("{} -> {name}", above.join(" -> "));
                self.wrong(at, format!("modules use each other in a circle: {circle}"));
            } else if self.taken.iter().all(|(taken, ..)| taken != name) {
                self.one(name, at, above);
            }
        }
    }

    fn one(&mut self, name: &str, at: &Place, above: &mut Vec<String>) {
        let (shelf, text) = match self.find(name) {
            Ok(found) => found,
            Err(problem) => return self.wrong(at, problem),
        };
        let file = shelf.file(self.runbook, name);
        let here = |line, column| Place::of(&file, &text, line, column);
        if let Some(line) = text.lines().position(is_mark) {
            let problem = "this line would begin another module".to_owned();
            self.wrong(&here(line + 1, 1), problem);
            return;
        }
        match ModuleHeader::read(&text) {
            Ok(header) => {
                above.push(name.to_owned());
                let at = here(Header::line_of(&text, "uses"), 1);
                self.all(&header.uses, &at, above);
                above.pop();
            }
            Err(HeaderError { line, column, problem }) => self.wrong(&here(line, column), problem),
        }
        self.taken.push((name.to_owned(), shelf, text));
    }

    fn find(&self, name: &str) -> Result<(Shelf, String), String> {
        if !is_name(name) {
            return Err(format!(
                "`{name}` can't be the name of a module; it has letters, digits, `-` and `_`"
            ));
        }
        let inside = self.inside.iter().find(|(inside, ..)| *inside == name);
        let found = match inside {
            Some((_, shelf, text)) => Ok(Some((*shelf, (*text).to_owned()))),
            None => self.modules.find(name),
        };
        let unreadable = |why| format!("the module `{name}` can't be read: {why}");
        if let Some((shelf, mut text)) = found.map_err(unreadable)? {
            if !text.ends_with('\n') {
                text.push('\n');
            }
            return Ok((shelf, text));
        }
        let names = self.modules.names();
        Err(match names.is_empty() {
            true => format!("there is no module `{name}`, nor any other"),
            false => {
                format!(
                    "there is no module `{name}`; {}",
                    closest(name, names.iter().map(String::as_str))
                )
            }
        })
    }

    fn wrong(&mut self, at: &Place, problem: String) {
        self.mistakes.push((at.clone(), problem));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Language;
    use crate::runbook::Runbook;
    use crate::step::Registry;

    struct Books(Vec<(&'static str, &'static str)>);

    impl Modules for Books {
        fn names(&self) -> Vec<String> {
            self.0.iter().map(|(name, _)| (*name).to_owned()).collect()
        }

        fn find(&self, name: &str) -> Result<Option<(Shelf, String)>, String> {
            let found = self.0.iter().find(|(book, _)| *book == name);
            Ok(found.map(|(_, text)| (Shelf::Beside, (*text).to_owned())))
        }
    }

    const SAYS: (&str, &str) =
        ("says", "//! uses = [\"word\"]\nfn say(x) {\n  print(word() + x);\n}");
    const WORD: (&str, &str) = ("word", "fn word() { \"w\" }\n");

    fn text(script: &str) -> String {
        format!("//! title = \"T\"\n//! uses = [\"says\"]\n{script}\n")
    }

    fn check(script: &str, books: &[(&'static str, &'static str)]) -> Result<Runbook, Vec<String>> {
        let books = Books(books.to_vec());
        let checked = Runbook::check("dir/a.rhai", &text(script), &books, &Registry::default());
        checked.map_err(|mistakes| {
            mistakes
                .iter()
                .map(|m| m.to_string().lines().take(2).collect::<Vec<_>>().join("\n"))
                .collect()
        })
    }

    fn wrong(script: &str, books: &[(&'static str, &'static str)]) -> Vec<String> {
        check(script, books).map(drop).unwrap_err()
    }

    #[test]
    fn a_runbook_has_its_modules_in_its_text_and_needs_them_no_more() {
        let runbook = check("say(\"x\")", &[SAYS, WORD]).unwrap();
        let modules = [("word".to_owned(), Shelf::Beside), ("says".to_owned(), Shelf::Beside)];
        assert_eq!(runbook.modules(), modules, "what a module uses comes before it");
        let text = runbook.text();
        assert!(text.contains("\n//# module says: beside\n"), "{text}");
        let steps = Registry::default();
        let alone = Runbook::compile("b.rhai", text, &steps).unwrap();
        assert_eq!((alone.text(), alone.hash()), (text, runbook.hash()));
        assert_eq!(Runbook::recorded("b.rhai", text, Language::NOW, &steps).unwrap().text(), text);
        // A module that is in the text is that one, whatever stands in a file.
        let other = Books(vec![("says", "fn other() {}"), WORD]);
        assert_eq!(Runbook::gather("b.rhai", text, &other).unwrap(), text);
    }

    #[test]
    fn a_mistake_in_a_module_is_shown_in_its_file_and_one_in_the_runbook_in_its_own() {
        let bad = ("says", "\nfn say(x) {\n  nope(x);\n}\n");
        let all = wrong("say(1);\nnone();", &[bad]);
        assert_eq!(
            all,
            [
                "there is no function `none`\ndir/a.rhai:4:1",
                "there is no function `nope`\ndir/lib/says.rhai:3:3"
            ]
        );
        let all = wrong("say(1);", &[("says", "fn say(x) {\n  x +;\n}")]);
        assert!(all[0].contains("dir/lib/says.rhai:2:6"), "{all:?}");
        let all = wrong("say(1);", &[("says", "//! colour = 1\nfn say(x) {}")]);
        assert!(all[0].contains("dir/lib/says.rhai:1:5"), "{all:?}");
    }

    #[test]
    fn a_module_that_is_not_there_is_told_once_with_what_was_meant() {
        let all = wrong("say(1);", &[("sais", ""), ("other", "")]);
        assert_eq!(all, ["there is no module `says`; did you mean `sais`?\ndir/a.rhai:2:1"]);
        let all = wrong("say(1);", &[]);
        assert_eq!(all, ["there is no module `says`, nor any other\ndir/a.rhai:2:1"]);
        let all = wrong("say(1);", &[("says", "\n//! uses = [\"../etc\"]\n"), WORD]);
        assert_eq!(
            all,
            ["there is no function `say`\ndir/a.rhai:3:1"],
            "only a header names modules"
        );
        let all = wrong("say(1);", &[("says", "//! uses = [\"../etc\"]\n"), WORD]);
        assert!(all[0].contains("`../etc` can't be the name of a module"), "{all:?}");
        assert!(all[0].contains("dir/lib/says.rhai:1:1"), "{all:?}");
    }

    #[test]
    fn circles_doubled_functions_and_statements_are_mistakes() {
        let word = ("word", "//! uses = [\"says\"]\nfn word() { \"w\" }\n");
        let all = wrong("say(1);", &[SAYS, word]);
        assert!(all[0].contains("in a circle: says -> word -> says"), "{all:?}");
        assert!(all[0].contains("dir/lib/word.rhai:1:1"), "{all:?}");
        let all = wrong("fn word() { 1 }\nsay(1);", &[SAYS, WORD]);
        assert!(all[0].contains("function `word` with as many parameters (0)"), "{all:?}");
        assert!(all[0].contains("dir/lib/word.rhai:1:"), "{all:?}");
        let all = wrong("say(1);", &[SAYS, ("word", "fn word() { 1 }\nprint(\"x\");\n")]);
        assert_eq!(all, ["a module has functions and nothing else\ndir/lib/word.rhai:2:1"]);
        let all = wrong("say(1);", &[SAYS, ("word", "fn word() { 1 }\n//# module x: shipped\n")]);
        assert!(all[0].contains("begin another module\ndir/lib/word.rhai:2:1"), "{all:?}");
    }

    #[test]
    fn without_uses_such_lines_are_comments() {
        let text = "//! title = \"T\"\n//# module x: shipped\nnope();\n";
        let error = Runbook::compile("a.rhai", text, &Registry::default()).map(drop).unwrap_err();
        assert!(error.to_string().contains("a.rhai:3:1"), "{error}");
    }
}
