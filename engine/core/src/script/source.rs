//! The text of a script, and which file each of its lines is from.
//!
//! A script that uses modules is one text: its own lines first, so that they keep their numbers, and
//! then each module after a line that names it.
//!
//! ```text
//! //! title = "..."
//! //! uses = ["rotate"]
//! ...
//! //# module rotate: shipped
//! fn retire(old, how) { ... }
//! ```

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use super::place::Place;

/// What begins the line before a module.
const MARK: &str = "//# module ";

/// Where a module was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shelf {
    /// In `lib/` beside the runbook.
    Beside,
    /// Among those that come with windlass.
    Shipped,
}

impl Shelf {
    const ALL: [(Self, &'static str); 2] = [(Shelf::Beside, "beside"), (Shelf::Shipped, "shipped")];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(shelf, _)| *shelf == self).map_or("", |(_, word)| word)
    }

    /// Returns the file of a module of this shelf, as people should read it.
    pub fn file(self, runbook: &str, module: &str) -> String {
        let beside = Path::new(runbook).parent().unwrap_or_else(|| Path::new(""));
        match self {
            Shelf::Beside => beside.join(format!("lib/{module}.rhai")).display().to_string(),
            Shelf::Shipped => format!("shipped:lib/{module}.rhai"),
        }
    }
}

/// A module inside a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    pub(crate) shelf: Shelf,
    pub(crate) text: &'a str,
    /// The number of the line that names it, from one.
    line: usize,
}

/// True if a line can't be inside a module: it would begin another one.
pub(crate) fn is_mark(line: &str) -> bool {
    line.starts_with(MARK)
}

/// Returns a text and the modules that come after it as one text.
pub(crate) fn joined<'a>(
    own: &str,
    modules: impl IntoIterator<Item = (&'a str, Shelf, &'a str)>,
) -> String {
    let mut text = own.to_owned();
    for (name, shelf, module) in modules {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&format!("{MARK}{name}: {}\n{module}", shelf.word()));
    }
    text
}

/// Returns a text without its modules, and the modules.
pub(crate) fn split(text: &str) -> (&str, Vec<Section<'_>>) {
    let mut marks = Vec::new();
    let mut at = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if let Some((name, shelf)) = marked(line) {
            marks.push((at, at + line.len(), number + 1, name, shelf));
        }
        at += line.len();
    }
    let ends = marks.iter().skip(1).map(|mark| mark.0).chain([text.len()]);
    let sections = marks.iter().zip(ends).map(|(&(_, begins, line, name, shelf), ends)| Section {
        name,
        shelf,
        text: text.get(begins..ends).unwrap_or_default(),
        line,
    });
    let own = marks.first().map_or(text.len(), |mark| mark.0);
    (text.get(..own).unwrap_or_default(), sections.collect())
}

fn marked(line: &str) -> Option<(&str, Shelf)> {
    let (name, shelf) = line.strip_prefix(MARK)?.trim_end().split_once(": ")?;
    let shelf = Shelf::ALL.iter().find(|(_, word)| *word == shelf)?.0;
    Some((name, shelf))
}

/// The text of a script.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    name: String,
    text: Arc<str>,
    /// The line before each module, and its file.
    parts: Vec<(usize, String)>,
}

impl Source {
    /// Takes a text that is from one file.
    pub(crate) fn plain(name: &str, text: &str) -> Self {
        Source { name: name.to_owned(), text: text.into(), parts: Vec::new() }
    }

    /// Takes a text that has the modules in it that it uses.
    pub(crate) fn with_modules(name: &str, text: &str) -> Self {
        let (_, sections) = split(text);
        let parts = sections.iter().map(|s| (s.line, s.shelf.file(name, s.name))).collect();
        Source { parts, ..Source::plain(name, text) }
    }

    /// Returns the text, modules and all.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the name of the runbook.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns what is to be compiled. The last statement of a script needs no semicolon; before a
    /// module it would.
    pub(super) fn program(&self) -> Cow<'_, str> {
        if self.parts.is_empty() {
            return Cow::Borrowed(&self.text);
        }
        let lines = self.text.split_inclusive('\n');
        Cow::Owned(
            lines.flat_map(|line| [if marked(line).is_some() { ";" } else { "" }, line]).collect(),
        )
    }

    /// Returns the place of a line and column of the text, in the file that they are from.
    pub(crate) fn place(&self, line: usize, column: usize) -> Place {
        let place = Place::of(&self.name, &self.text, line, column);
        match self.part(line) {
            Some((mark, file)) => Place { file: file.clone(), line: line - mark, ..place },
            None => place,
        }
    }

    /// True if a line of the text is from a module.
    pub(super) fn is_module(&self, line: usize) -> bool {
        self.part(line).is_some()
    }

    fn part(&self, line: usize) -> Option<&(usize, String)> {
        self.parts.iter().rev().find(|(mark, _)| *mark < line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_joined_and_split_again() {
        let modules = [("a", Shelf::Beside, "fn a() {}\n"), ("b", Shelf::Shipped, "fn b() {}")];
        for own in ["x();\n", "x()", ""] {
            let text = joined(own, modules);
            let (alone, sections) = split(&text);
            assert_eq!(alone.trim_end(), own.trim_end());
            let sections: Vec<_> = sections.iter().map(|s| (s.name, s.shelf, s.text)).collect();
            assert_eq!(sections, modules, "{text}");
            assert_eq!(joined(alone, sections), text, "the same again");
        }
    }

    #[test]
    fn lines_of_a_module_are_those_of_its_file() {
        let text = joined(
            "x()",
            [("a", Shelf::Beside, "\nfn a() {}\n"), ("b", Shelf::Shipped, "fn b() {}\n")],
        );
        let source = Source::with_modules("dir/r.rhai", &text);
        let place = |line| {
            let place = source.place(line, 4);
            (place.file, place.line, place.text)
        };
        assert_eq!(place(1), ("dir/r.rhai".to_owned(), 1, "x()".to_owned()));
        assert_eq!(place(4), ("dir/lib/a.rhai".to_owned(), 2, "fn a() {}".to_owned()));
        let (file, line, text) = place(6);
        assert!(file == "shipped:lib/b.rhai" && line == 1 && text == "fn b() {}", "{file} {line}");
        assert!(!source.is_module(1) && !source.is_module(2) && source.is_module(3));
        assert!(source.program().contains("\n;//# module a: beside\n"));
    }
}
