//! Text from elsewhere, made fit to be shown.
//!
//! Names, labels, parameters, reasons, notes and the last lines of a container come from people and
//! programs that we don't know. In a terminal, a log or a mail they must not move the cursor, turn
//! the direction of writing, or look like a line of ours. This is the one place that says which
//! characters can do that, and what is shown instead:
//!
//! | where | a newline | a tab | every other character that shows nothing |
//! |---|---|---|---|
//! | [`in_one_line`]: a cell, a title, a log line | `\n` | `\t` | `\u{1b}` |
//! | [`quoted`]: a message that may have more lines | a line that begins with [`QUOTED`] | a tab | `\u{1b}` |
//! | [`in_json`]: JSON that a terminal shows | as it is | as it is | `\u001b` |
//!
//! What is recorded is what was given: only what is shown is changed.

use std::borrow::Cow;
use std::fmt::Write;

/// What every line but the first of a quoted text begins with. No line of ours does.
pub const QUOTED: &str = "  | ";

/// True if a character shows nothing of its own: it controls a terminal, turns the direction of
/// writing, or is a space that is not the usual one.
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // Rust's own table of what is printable. It also holds marks that belong to the letter before;
    // those are printable behind one.
    let alone = c.escape_debug().len() == 1;
    !alone && ['x', c].iter().collect::<String>().escape_debug().nth(1) == Some('\\')
}

/// Returns the first character of a text that no text may hold: one that controls a terminal, but a
/// newline or a tab.
pub fn forbidden(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'))
}

/// Returns a character as it is shown instead.
pub fn escaped(c: char) -> String {
    c.escape_default().to_string()
}

/// Returns a text as a part of one line.
pub fn in_one_line(text: &str) -> Cow<'_, str> {
    replaced(text, is_hidden, |out, c| out.extend(c.escape_default()))
}

/// Returns a text of one or more lines, the further ones marked as such.
pub fn quoted(text: &str) -> Cow<'_, str> {
    replaced(
        text,
        |c| c != '\t' && is_hidden(c),
        |out, c| match c {
            '\n' => {
                out.push(c);
                out.push_str(QUOTED);
            }
            c => out.extend(c.escape_default()),
        },
    )
}

/// Returns JSON that means the same, and in which every character shows itself.
pub fn in_json(json: &str) -> Cow<'_, str> {
    // Outside of its strings JSON holds no such character but white space.
    replaced(
        json,
        |c| !matches!(c, '\n' | '\t') && is_hidden(c),
        |out, c| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

fn replaced(
    text: &str,
    hidden: impl Fn(char) -> bool,
    write: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    let Some(first) = text.find(&hidden) else { return Cow::Borrowed(text) };
    let mut out = text[..first].to_owned();
    for c in text[first..].chars() {
        if hidden(c) { write(&mut out, c) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_shows_nothing_of_its_own_is_written_out() {
        for (given, shown) in [
            ("plain, ünïcode 日本 e\u{301} \\ \"'", "plain, ünïcode 日本 e\u{301} \\ \"'"),
            ("a\nrun_01FAKE  done", "a\\nrun_01FAKE  done"),
            ("a\r\tb\0", "a\\r\\tb\\u{0}"),
            ("\u{1b}[2J\u{9b}2J\u{7f}", "\\u{1b}[2J\\u{9b}2J\\u{7f}"),
            ("\u{202e}fdp.exe\u{2066}", "\\u{202e}fdp.exe\\u{2066}"),
            ("a\u{200b}b\u{feff}\u{2028}c\u{a0}d", "a\\u{200b}b\\u{feff}\\u{2028}c\\u{a0}d"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(in_one_line(given), shown);
        }
        assert!(matches!(in_one_line("nothing to do"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_line_of_a_quoted_text_does_not_look_like_one_of_ours() {
        assert_eq!(quoted("exit 1:\nrun_01FAKE\tdone\r"), "exit 1:\n  | run_01FAKE\tdone\\r");
    }

    #[test]
    fn json_means_the_same_with_every_character_shown() {
        let value = serde_json::json!({ "a": "\u{202e}\u{9b}\u{e0041}\u{1b}\n", "b": [1] });
        let json = serde_json::to_string_pretty(&value).unwrap();
        let shown = in_json(&json);
        assert!(!shown.chars().any(|c| c != '\n' && is_hidden(c)), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn a_text_may_have_lines_and_tabs_and_letters_of_every_script() {
        assert_eq!(forbidden("a\n\tb \u{202e} é"), None);
        assert_eq!(forbidden("a\u{1b}b"), Some('\u{1b}'));
        assert_eq!(forbidden("a\r\n"), Some('\r'));
        assert_eq!(forbidden("\u{85}"), Some('\u{85}'));
    }
}
