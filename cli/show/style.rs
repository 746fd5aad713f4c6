//! Colours, where there is a terminal that wants them.

use std::sync::atomic::{AtomicBool, Ordering};

static COLOURED: AtomicBool = AtomicBool::new(false);

/// Says whether to colour: not when the output is not a terminal, or NO_COLOR is set.
pub fn init(plain: bool) {
    COLOURED.store(!plain, Ordering::Relaxed);
}

/// True if lines may move and have colours.
pub fn is_coloured() -> bool {
    COLOURED.load(Ordering::Relaxed)
}

fn paint(code: &str, text: &str) -> String {
    if is_coloured() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Something that went well.
pub fn green(text: &str) -> String {
    paint("32", text)
}

/// Something that went wrong.
pub fn red(text: &str) -> String {
    paint("31;1", text)
}

/// Something to look at.
pub fn yellow(text: &str) -> String {
    paint("33", text)
}

/// Something of less importance.
pub fn dim(text: &str) -> String {
    paint("2", text)
}

/// Something of more importance.
pub fn bold(text: &str) -> String {
    paint("1", text)
}
