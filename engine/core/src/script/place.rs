//! A place in a source text, and how it is shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A line of a file, with the column that matters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Place {
    /// The runbook's name or path.
    pub file: String,
    /// Counts from one; zero if it is not known.
    pub line: usize,
    /// Counts from one; zero if it is not known.
    pub column: usize,
    /// The line's text.
    pub text: String,
}

impl Place {
    /// Returns the place in `source`.
    pub fn of(file: &str, source: &str, line: usize, column: usize) -> Self {
        let text = line.checked_sub(1).and_then(|n| source.lines().nth(n)).unwrap_or_default();
        Place { file: file.to_owned(), line, column, text: text.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return f.write_str(&self.file);
        }
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(f, "{}:{}:{}", self.file, self.line, self.column.max(1))?;
        write!(f, "{number} | {}\n{margin} | ", self.text)?;
        // Tabs stay tabs, so that the caret stands where the eye expects it.
        for c in self.text.chars().take(self.column.saturating_sub(1)) {
            write!(f, "{}", if c == '\t' { '\t' } else { ' ' })?;
        }
        f.write_str("^")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_column() {
        let place = Place::of("a.rhai", "let x = 1;\nlet y = z;\n", 2, 9);
        assert_eq!(place.to_string(), "a.rhai:2:9\n2 | let y = z;\n  |         ^");
    }
}
