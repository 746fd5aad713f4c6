//! Keeps panics of the library inside: they become errors, and nothing is printed.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// How the library names its threads; a panic on one of them reaches us as an error of its own.
const THREADS: &str = "sled-";

/// Runs something that may panic; the panic is returned as text.
///
/// The panic hook belongs to the whole process. It is wrapped once and stays wrapped: putting it
/// back after each use would, with two threads at it, lose the hook of the program for good.
pub(super) fn guarded<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    static WRAPPED: Once = Once::new();
    WRAPPED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let theirs = std::thread::current().name().is_some_and(|n| n.starts_with(THREADS));
            if !theirs && !GUARDED.get() {
                before(panic);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(action));
    GUARDED.set(outer);
    result.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_else(|| "it could not be read".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_text() {
        assert_eq!(guarded(|| 1), Ok(1));
        let formatted: Result<(), _> = guarded(|| panic!("page {} is gone", 7));
        assert_eq!(formatted, Err("page 7 is gone".to_owned()));
        let nested = guarded(|| guarded(|| panic!("inner")).map(|()| 1));
        assert_eq!(nested, Ok(Err("inner".to_owned())));
    }
}
