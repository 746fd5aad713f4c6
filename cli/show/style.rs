//! Colours, where there is a terminal that wants them.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use windlass_engine::event::shown;

static COLOURED: AtomicBool = AtomicBool::new(false);

/// Says whether to colour: not when the output is not a terminal, or NO_COLOR is set.
pub fn init(plain: bool) {
    COLOURED.store(!plain, Ordering::Relaxed);
}

/// True if lines may move and have colours.
pub fn is_coloured() -> bool {
    COLOURED.load(Ordering::Relaxed)
}

const GREEN: &str = "\u{1b}[32m";
const RED: &str = "\u{1b}[31;1m";
const YELLOW: &str = "\u{1b}[33m";
const DIM: &str = "\u{1b}[2m";
const BOLD: &str = "\u{1b}[1m";
const PLAIN: &str = "\u{1b}[0m";

fn paint(code: &str, text: &str) -> String {
    if is_coloured() { format!("{code}{text}{PLAIN}") } else { text.to_owned() }
}

/// Returns a text as it may go to a terminal: nothing in it does more than give a colour that is one
/// of ours, and no further line of it looks like one of ours.
pub fn fit(text: &str) -> Cow<'_, str> {
    if is_coloured() { fit_with_colours(text) } else { shown::quoted(text) }
}

fn fit_with_colours(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, colour, after)) = first_colour(rest) {
        // The parts of one text: a newline in any of them is one inside of it.
        out.push_str(&shown::quoted(before));
        out.push_str(colour);
        rest = after;
    }
    if out.is_empty() {
        return shown::quoted(text);
    }
    out.push_str(&shown::quoted(rest));
    Cow::Owned(out)
}

/// Returns what is before the first colour, the colour, and what is behind it.
fn first_colour(text: &str) -> Option<(&str, &'static str, &str)> {
    text.match_indices('\u{1b}').find_map(|(at, _)| {
        let colours = [GREEN, RED, YELLOW, DIM, BOLD, PLAIN];
        let colour = colours.into_iter().find(|colour| text[at..].starts_with(colour))?;
        Some((&text[..at], colour, &text[at + colour.len()..]))
    })
}

/// Something that went well.
pub fn green(text: &str) -> String {
    paint(GREEN, text)
}

/// Something that went wrong.
pub fn red(text: &str) -> String {
    paint(RED, text)
}

/// Something to look at.
pub fn yellow(text: &str) -> String {
    paint(YELLOW, text)
}

/// Something of less importance.
pub fn dim(text: &str) -> String {
    paint(DIM, text)
}

/// Something of more importance.
pub fn bold(text: &str) -> String {
    paint(BOLD, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_that_a_text_holds_only_our_colours_reach_a_terminal() {
        let text = format!("{RED}a\u{1b}[2J{PLAIN}\u{202e}\nrun_01FAKE {BOLD}done\r{PLAIN}");
        let fit =
            "\u{1b}[31;1ma\\u{1b}[2J\u{1b}[0m\\u{202e}\n  | run_01FAKE \u{1b}[1mdone\\r\u{1b}[0m";
        assert_eq!(fit_with_colours(&text), fit);
        assert_eq!(fit_with_colours("plain\u{1b}[33"), "plain\\u{1b}[33");
    }
}
